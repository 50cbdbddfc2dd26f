-- Shapes of everything that arrives in series. They never hold rows: the tables of each tier are made like them.

CREATE TABLE sample_shape (
    station_id text NOT NULL,
    connector_id integer NOT NULL CHECK (connector_id >= 0),
    sampled_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    reported_at timestamptz,
    transaction_id text,
    power_kw double precision CHECK (power_kw > '-Infinity' AND power_kw < 'Infinity'),
    energy_kwh double precision CHECK (energy_kwh >= 0 AND energy_kwh < 'Infinity'),
    current_l1_a double precision CHECK (current_l1_a > '-Infinity' AND current_l1_a < 'Infinity'),
    current_l2_a double precision CHECK (current_l2_a > '-Infinity' AND current_l2_a < 'Infinity'),
    current_l3_a double precision CHECK (current_l3_a > '-Infinity' AND current_l3_a < 'Infinity'),
    voltage_l1_v double precision CHECK (voltage_l1_v > '-Infinity' AND voltage_l1_v < 'Infinity'),
    voltage_l2_v double precision CHECK (voltage_l2_v > '-Infinity' AND voltage_l2_v < 'Infinity'),
    voltage_l3_v double precision CHECK (voltage_l3_v > '-Infinity' AND voltage_l3_v < 'Infinity'),
    offered_a double precision CHECK (offered_a > '-Infinity' AND offered_a < 'Infinity'),
    soc_pct double precision CHECK (soc_pct BETWEEN 0 AND 100),
    derived boolean NOT NULL
);

CREATE TABLE feeder_measurement_shape (
    site_id text NOT NULL,
    feeder_id text NOT NULL,
    measured_at timestamptz NOT NULL,
    power_kw double precision NOT NULL CHECK (power_kw > '-Infinity' AND power_kw < 'Infinity'),
    current_l1_a double precision CHECK (current_l1_a > '-Infinity' AND current_l1_a < 'Infinity'),
    current_l2_a double precision CHECK (current_l2_a > '-Infinity' AND current_l2_a < 'Infinity'),
    current_l3_a double precision CHECK (current_l3_a > '-Infinity' AND current_l3_a < 'Infinity'),
    solar_kw double precision CHECK (solar_kw > '-Infinity' AND solar_kw < 'Infinity'),
    other_load_kw double precision CHECK (other_load_kw > '-Infinity' AND other_load_kw < 'Infinity')
);

CREATE TABLE raw_message_shape (
    station_id text NOT NULL,
    received_at timestamptz NOT NULL,
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    message text NOT NULL
);

-- The newest of each, so that nobody looks for it in the whole history.
CREATE TABLE last_values (LIKE sample_shape INCLUDING CONSTRAINTS, PRIMARY KEY (station_id, connector_id));
CREATE TABLE last_measurements (LIKE feeder_measurement_shape INCLUDING CONSTRAINTS, PRIMARY KEY (site_id, feeder_id));

-- What could not be stored as a sample, as text, and why.
CREATE TABLE sample_quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    station_id text NOT NULL,
    received_at timestamptz NOT NULL,
    problem text NOT NULL,
    sample text NOT NULL
);
CREATE INDEX ON sample_quarantine (station_id, received_at);
