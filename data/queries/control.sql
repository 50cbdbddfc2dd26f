-- name: remove_limits
DELETE FROM limits WHERE site_id = %(site_id)s;

-- name: add_limit
INSERT INTO limits (site_id, id, feeder_id, limit_kw, limit_a, starts_at, ends_at, source, reason)
VALUES (%(site_id)s, %(id)s, %(feeder_id)s, %(limit_kw)s, %(limit_a)s, %(starts_at)s, %(ends_at)s, %(source)s, %(reason)s);

-- name: limits
SELECT id, feeder_id, limit_kw, limit_a, starts_at, ends_at, source, reason FROM limits WHERE site_id = %(site_id)s ORDER BY id;

-- name: put_event
INSERT INTO demand_response_events (site_id, id, name, starts_at, ends_at, limit_kw, priority, status)
VALUES (%(site_id)s, %(id)s, %(name)s, %(starts_at)s, %(ends_at)s, %(limit_kw)s, %(priority)s, %(status)s)
ON CONFLICT (site_id, id) DO UPDATE SET
    name = excluded.name, starts_at = excluded.starts_at, ends_at = excluded.ends_at, limit_kw = excluded.limit_kw,
    priority = excluded.priority, status = excluded.status;

-- name: events
SELECT * FROM demand_response_events
WHERE site_id = %(site_id)s AND (%(since)s::timestamptz IS NULL OR ends_at > %(since)s) ORDER BY starts_at, id;

-- name: cancel_event
UPDATE demand_response_events SET status = 'cancelled' WHERE site_id = %(site_id)s AND id = %(event_id)s RETURNING *;

-- name: put_tariff
INSERT INTO tariffs (site_id, tariff) VALUES (%(site_id)s, %(tariff)s)
ON CONFLICT (site_id) DO UPDATE SET tariff = excluded.tariff;

-- name: tariff
SELECT tariff::text FROM tariffs WHERE site_id = %(site_id)s;

-- name: add_forecast
INSERT INTO forecasts (site_id, quantity, issued_at, forecast) VALUES (%(site_id)s, %(quantity)s, %(issued_at)s, %(forecast)s);

-- name: latest_forecast
SELECT forecast::text FROM forecasts WHERE site_id = %(site_id)s AND quantity = %(quantity)s ORDER BY issued_at DESC, id DESC LIMIT 1;

-- name: add_plan
INSERT INTO plans (id, site_id, made_at, status, gap, objective, bound, cpu_s, plan)
VALUES (%(id)s, %(site_id)s, %(made_at)s, %(status)s, %(gap)s, %(objective)s, %(bound)s, %(cpu_s)s, %(plan)s)
ON CONFLICT (id) DO NOTHING;

-- name: current_plan
SELECT plan::text FROM plans WHERE site_id = %(site_id)s ORDER BY made_at DESC LIMIT 1;

-- name: plan_summaries
SELECT id, made_at, status, gap, objective, bound, cpu_s FROM plans
WHERE site_id = %(site_id)s AND made_at >= %(since)s ORDER BY made_at;
