-- name: add_market_price
INSERT INTO market_prices (zone, starts_at, ends_at, issued_at, price_per_kwh)
VALUES (%(zone)s, %(starts_at)s, %(ends_at)s, %(issued_at)s, %(price_per_kwh)s)
ON CONFLICT (zone, starts_at, issued_at) DO NOTHING;

-- name: market_prices
SELECT DISTINCT ON (starts_at) starts_at, ends_at, price_per_kwh FROM market_prices
WHERE zone = %(zone)s AND ends_at > %(since)s AND issued_at <= %(known_at)s
ORDER BY starts_at, issued_at DESC;

-- name: add_grid_carbon
INSERT INTO grid_carbon (starts_at, ends_at, co2_g_per_kwh)
VALUES (%(starts_at)s, %(ends_at)s, %(co2_g_per_kwh)s)
ON CONFLICT (starts_at) DO UPDATE SET ends_at = EXCLUDED.ends_at, co2_g_per_kwh = EXCLUDED.co2_g_per_kwh;

-- name: grid_carbon
SELECT starts_at, co2_g_per_kwh FROM grid_carbon WHERE starts_at >= %(since)s AND starts_at < %(until)s;
