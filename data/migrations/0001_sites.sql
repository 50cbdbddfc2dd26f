-- Sites, stations, connectors, and who may do what.

-- A double that can be added up: PostgreSQL sorts NaN above Infinity, so one comparison excludes both.
CREATE DOMAIN finite AS double precision CHECK (VALUE > '-Infinity' AND VALUE < 'Infinity');
CREATE DOMAIN non_negative AS finite CHECK (VALUE >= 0);

CREATE TABLE sites (
    id text PRIMARY KEY CHECK (id <> ''),
    name text NOT NULL,
    timezone text NOT NULL,
    currency text NOT NULL,
    feeders jsonb NOT NULL,
    voltage_v finite NOT NULL CHECK (voltage_v > 0),
    max_voltage_v finite NOT NULL CHECK (max_voltage_v >= voltage_v),
    import_limit_kw non_negative,
    reserved_other_load_kw non_negative NOT NULL,
    solar jsonb
);

CREATE TABLE stations (
    id text PRIMARY KEY CHECK (id <> ''),
    site_id text NOT NULL REFERENCES sites,
    feeder_id text NOT NULL,
    security_profile smallint NOT NULL CHECK (security_profile BETWEEN 0 AND 3),
    key_hash bytea,
    vendor text NOT NULL DEFAULT '',
    model text NOT NULL DEFAULT '',
    serial_number text,
    firmware_version text,
    protocol text,
    booted_at timestamptz,
    boot_reason text,
    connected_at timestamptz,
    disconnected_at timestamptz,
    last_seen_at timestamptz,
    capabilities_at timestamptz,
    max_stack_level integer,
    max_periods integer,
    max_profiles integer,
    rate_units text[],
    connector_count integer
);
CREATE INDEX ON stations (site_id);

CREATE TABLE connectors (
    station_id text NOT NULL REFERENCES stations,
    connector_id integer NOT NULL CHECK (connector_id >= 1),
    phases text[] NOT NULL CHECK (cardinality(phases) BETWEEN 1 AND 3),
    max_current_a non_negative NOT NULL,
    min_current_a non_negative NOT NULL,
    fallback_current_a non_negative NOT NULL,
    step_a finite NOT NULL CHECK (step_a > 0),
    rotation_known boolean NOT NULL,
    PRIMARY KEY (station_id, connector_id)
);

-- Connector 0 is the station itself, therefore no reference to connectors.
CREATE TABLE connector_status (
    station_id text NOT NULL REFERENCES stations,
    connector_id integer NOT NULL CHECK (connector_id >= 0),
    status text NOT NULL,
    error_code text NOT NULL,
    info text NOT NULL,
    changed_at timestamptz,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (station_id, connector_id)
);

CREATE TABLE station_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    station_id text NOT NULL REFERENCES stations,
    received_at timestamptz NOT NULL,
    kind text NOT NULL,
    event jsonb NOT NULL
);
CREATE INDEX ON station_events (station_id, received_at);

CREATE TABLE alarms (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id text NOT NULL REFERENCES sites,
    station_id text,
    raised_at timestamptz NOT NULL,
    kind text NOT NULL,
    message text NOT NULL
);
CREATE INDEX ON alarms (site_id, raised_at);

CREATE TABLE tokens (
    id_tag text NOT NULL CHECK (id_tag <> ''),
    kind text NOT NULL,
    blocked boolean NOT NULL,
    expires_at timestamptz,
    priority integer NOT NULL,
    label text NOT NULL
);
-- OCPP compares idTags without regard to case (1.6: CiString20Type, 2.0.1: identifierString).
CREATE UNIQUE INDEX tokens_id_tag ON tokens (lower(id_tag));

CREATE TABLE api_tokens (
    id text PRIMARY KEY,
    secret_hash bytea NOT NULL UNIQUE,
    role text NOT NULL,
    label text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);

CREATE TABLE secrets (
    name text PRIMARY KEY,
    value bytea NOT NULL
);
