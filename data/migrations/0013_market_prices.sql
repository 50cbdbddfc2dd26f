-- What energy markets published, as it became known: a price that is changed is a new row, and nothing known earlier is lost.

CREATE TABLE market_prices (
    zone text NOT NULL CHECK (zone <> ''),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    issued_at timestamptz NOT NULL,
    price_per_kwh numeric NOT NULL,
    PRIMARY KEY (zone, starts_at, issued_at)
);
