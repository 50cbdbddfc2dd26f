-- requires: plain
-- Series in partitions of a day (UTC); what has no partition yet goes to the default one.

CREATE TABLE samples (LIKE sample_shape INCLUDING CONSTRAINTS, UNIQUE (station_id, connector_id, sampled_at))
    PARTITION BY RANGE (sampled_at);
CREATE TABLE samples_default PARTITION OF samples DEFAULT;

CREATE TABLE feeder_measurements (LIKE feeder_measurement_shape INCLUDING CONSTRAINTS, UNIQUE (site_id, feeder_id, measured_at))
    PARTITION BY RANGE (measured_at);
CREATE TABLE feeder_measurements_default PARTITION OF feeder_measurements DEFAULT;

CREATE TABLE raw_messages (LIKE raw_message_shape INCLUDING CONSTRAINTS) PARTITION BY RANGE (received_at);
CREATE TABLE raw_messages_default PARTITION OF raw_messages DEFAULT;
CREATE INDEX ON raw_messages (station_id, received_at);

-- Make the partition of `day` of a series. Where the default partition already has rows of that day they stay there:
-- moving them would lock everybody out, and reading finds them as well.
CREATE FUNCTION ensure_day(series text, day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    partition text := format('%s_%s', series, to_char(day, 'YYYYMMDD'));
    starts_at timestamptz := day::timestamp AT TIME ZONE 'UTC';
    ends_at timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN;
    END IF;
    -- a lock on the table, since only such a lock makes what others have just committed visible to to_regclass
    EXECUTE format('LOCK TABLE %I IN SHARE UPDATE EXCLUSIVE MODE', series);
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition, series);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', series, partition, starts_at, ends_at);
EXCEPTION WHEN check_violation THEN
    NULL;
END $$;
