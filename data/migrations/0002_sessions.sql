-- Sessions, and every transaction message as it came.

CREATE TABLE sessions (
    id text PRIMARY KEY,
    -- in the order we heard of them, where two started at the same instant
    number bigint GENERATED ALWAYS AS IDENTITY,
    site_id text NOT NULL REFERENCES sites,
    station_id text NOT NULL REFERENCES stations,
    connector_id integer NOT NULL CHECK (connector_id >= 0),
    transaction_id text NOT NULL,
    -- ours: 1.6 leaves the choice of the transaction's id to us, and identifies a start by what it says
    id_is_ours boolean NOT NULL,
    id_tag text,
    started_at timestamptz NOT NULL,
    -- when the last transaction message that changed the state happened; older ones arriving late do not change it back
    changed_at timestamptz NOT NULL,
    meter_start_kwh finite,
    meter_stop_kwh finite,
    energy_kwh non_negative NOT NULL DEFAULT 0,
    state text NOT NULL CHECK (state IN ('preparing', 'charging', 'suspended', 'ended')),
    need_energy_kwh non_negative,
    need_departs_at timestamptz,
    need_source text,
    priority integer NOT NULL DEFAULT 0,
    active_phases text[],
    ended_at timestamptz CHECK (ended_at >= started_at),
    stop_reason text,
    -- what was reconstructed rather than heard: a session is estimated while any of it is
    start_known boolean NOT NULL,
    stop_known boolean NOT NULL DEFAULT false,
    energy_estimated boolean NOT NULL DEFAULT false,
    CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
    CHECK (num_nulls(need_energy_kwh, need_departs_at, need_source) IN (0, 3)),
    UNIQUE (station_id, transaction_id)
);
CREATE UNIQUE INDEX sessions_start ON sessions (station_id, connector_id, id_tag, started_at, meter_start_kwh)
    NULLS NOT DISTINCT WHERE id_is_ours;
CREATE INDEX sessions_by_site ON sessions (site_id, started_at DESC);
CREATE INDEX sessions_by_station ON sessions (station_id, connector_id, started_at);
CREATE INDEX sessions_open ON sessions (site_id) WHERE ended_at IS NULL;

-- `message_key` says what the station said, without when we heard it: a repetition is found by it.
CREATE TABLE transaction_events (
    station_id text NOT NULL REFERENCES stations,
    message_key text NOT NULL,
    session_id text NOT NULL REFERENCES sessions,
    received_at timestamptz NOT NULL,
    event jsonb NOT NULL,
    PRIMARY KEY (station_id, message_key)
);
CREATE INDEX ON transaction_events (session_id);
