-- requires: timescaledb
-- Series as hypertables with chunks of a day. Only the index that a UNIQUE needs; time alone is never asked for.

CREATE TABLE samples (LIKE sample_shape INCLUDING CONSTRAINTS, UNIQUE (station_id, connector_id, sampled_at));
SELECT create_hypertable('samples', 'sampled_at', chunk_time_interval => INTERVAL '1 day', create_default_indexes => false);

CREATE TABLE feeder_measurements (LIKE feeder_measurement_shape INCLUDING CONSTRAINTS, UNIQUE (site_id, feeder_id, measured_at));
SELECT create_hypertable('feeder_measurements', 'measured_at', chunk_time_interval => INTERVAL '1 day', create_default_indexes => false);

CREATE TABLE raw_messages (LIKE raw_message_shape INCLUDING CONSTRAINTS);
SELECT create_hypertable('raw_messages', 'received_at', chunk_time_interval => INTERVAL '1 day', create_default_indexes => false);
CREATE INDEX ON raw_messages (station_id, received_at);

-- TimescaleDB makes chunks by itself.
CREATE FUNCTION ensure_day(series text, day date) RETURNS void LANGUAGE sql AS 'SELECT';
