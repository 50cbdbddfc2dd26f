-- What is wanted, expected, planned and permitted.

CREATE TABLE limits (
    site_id text NOT NULL REFERENCES sites,
    id text NOT NULL,
    feeder_id text NOT NULL,
    limit_kw non_negative,
    limit_a non_negative,
    starts_at timestamptz,
    ends_at timestamptz CHECK (ends_at > starts_at),
    source text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (site_id, id),
    CHECK (num_nonnulls(limit_kw, limit_a) > 0)
);

CREATE TABLE demand_response_events (
    site_id text NOT NULL REFERENCES sites,
    id text NOT NULL,
    name text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    limit_kw non_negative NOT NULL,
    priority integer NOT NULL,
    status text NOT NULL,
    PRIMARY KEY (site_id, id)
);

CREATE TABLE tariffs (
    site_id text PRIMARY KEY REFERENCES sites,
    tariff jsonb NOT NULL
);

CREATE TABLE forecasts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id text NOT NULL REFERENCES sites,
    quantity text NOT NULL,
    issued_at timestamptz NOT NULL,
    forecast jsonb NOT NULL
);
CREATE INDEX ON forecasts (site_id, quantity, issued_at DESC);

CREATE TABLE plans (
    id text PRIMARY KEY,
    site_id text NOT NULL REFERENCES sites,
    made_at timestamptz NOT NULL,
    status text NOT NULL,
    gap finite,
    objective finite,
    bound finite,
    cpu_s non_negative NOT NULL,
    plan jsonb NOT NULL
);
CREATE INDEX ON plans (site_id, made_at DESC);

CREATE TABLE controller_epochs (
    site_id text PRIMARY KEY REFERENCES sites,
    epoch bigint NOT NULL
);

CREATE TABLE grants (
    id text PRIMARY KEY,
    site_id text NOT NULL REFERENCES sites,
    station_id text NOT NULL REFERENCES stations,
    connector_id integer NOT NULL,
    sequence bigint NOT NULL,
    issued_at timestamptz NOT NULL,
    fallback_a non_negative NOT NULL,
    transaction_id text,
    period_starts_at timestamptz[] NOT NULL,
    period_limit_a double precision[] NOT NULL
        CHECK (0 <= ALL (period_limit_a) AND 'Infinity' > ALL (period_limit_a)),
    lease_ends_at timestamptz,
    epoch bigint NOT NULL,
    plan_id text,
    state text NOT NULL
        CHECK (state IN ('stored', 'sent', 'accepted', 'rejected', 'unknown', 'superseded', 'ended')),
    CHECK (cardinality(period_starts_at) = cardinality(period_limit_a))
);
CREATE INDEX grants_live ON grants (site_id) WHERE state IN ('stored', 'sent', 'accepted', 'unknown');
