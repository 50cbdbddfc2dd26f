-- name: ensure_day
SELECT ensure_day(%(series)s, %(day)s);

-- name: make_sample_staging
CREATE TEMPORARY TABLE IF NOT EXISTS sample_staging (LIKE sample_shape) ON COMMIT DELETE ROWS;

-- name: copy_samples
COPY sample_staging (station_id, connector_id, sampled_at, received_at, reported_at, transaction_id, power_kw, energy_kwh,
    current_l1_a, current_l2_a, current_l3_a, voltage_l1_v, voltage_l2_v, voltage_l3_v, offered_a, soc_pct, derived)
FROM STDIN (FORMAT binary);

-- Readings of one instant are one, measurand by measurand (see data/same_instant.py). In the order of the key, so that two writers of
-- the same samples wait for each other instead of deadlocking. What changed may be the newest.
-- name: merge_samples
WITH merged AS (
    INSERT INTO samples SELECT * FROM sample_staging ORDER BY station_id, connector_id, sampled_at
    ON CONFLICT (station_id, connector_id, sampled_at) DO UPDATE SET
        transaction_id = coalesce(excluded.transaction_id, samples.transaction_id),
        power_kw = CASE WHEN excluded.power_kw IS NULL OR excluded.derived AND NOT samples.derived AND samples.power_kw IS NOT NULL
                        THEN samples.power_kw ELSE excluded.power_kw END,
        derived = CASE WHEN excluded.power_kw IS NULL OR excluded.derived AND NOT samples.derived AND samples.power_kw IS NOT NULL
                       THEN samples.derived ELSE excluded.derived END,
        energy_kwh = greatest(samples.energy_kwh, excluded.energy_kwh),
        current_l1_a = coalesce(excluded.current_l1_a, samples.current_l1_a),
        current_l2_a = coalesce(excluded.current_l2_a, samples.current_l2_a),
        current_l3_a = coalesce(excluded.current_l3_a, samples.current_l3_a),
        voltage_l1_v = coalesce(excluded.voltage_l1_v, samples.voltage_l1_v),
        voltage_l2_v = coalesce(excluded.voltage_l2_v, samples.voltage_l2_v),
        voltage_l3_v = coalesce(excluded.voltage_l3_v, samples.voltage_l3_v),
        offered_a = coalesce(excluded.offered_a, samples.offered_a),
        soc_pct = coalesce(excluded.soc_pct, samples.soc_pct)
    RETURNING *
)
INSERT INTO last_values
SELECT DISTINCT ON (station_id, connector_id) * FROM merged ORDER BY station_id, connector_id, sampled_at DESC
ON CONFLICT (station_id, connector_id) DO UPDATE SET
    sampled_at = excluded.sampled_at, received_at = excluded.received_at, reported_at = excluded.reported_at,
    transaction_id = excluded.transaction_id, power_kw = excluded.power_kw, energy_kwh = excluded.energy_kwh,
    current_l1_a = excluded.current_l1_a, current_l2_a = excluded.current_l2_a, current_l3_a = excluded.current_l3_a,
    voltage_l1_v = excluded.voltage_l1_v, voltage_l2_v = excluded.voltage_l2_v, voltage_l3_v = excluded.voltage_l3_v,
    offered_a = excluded.offered_a, soc_pct = excluded.soc_pct, derived = excluded.derived
WHERE excluded.sampled_at >= last_values.sampled_at;

-- name: quarantine_sample
INSERT INTO sample_quarantine (station_id, received_at, problem, sample)
VALUES (%(station_id)s, %(received_at)s, %(problem)s, %(sample)s);

-- name: quarantined_samples
SELECT station_id, received_at, problem, sample FROM sample_quarantine WHERE station_id = %(station_id)s ORDER BY id;

-- name: samples
SELECT * FROM samples
WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s AND sampled_at >= %(since)s AND sampled_at < %(until)s
ORDER BY sampled_at;

-- name: last_values
SELECT last_values.* FROM last_values JOIN stations ON stations.id = station_id
WHERE site_id = %(site_id)s ORDER BY station_id, connector_id;

-- Readings of one instant are one: what the later one says counts, and what only the earlier one says.
-- name: add_measurement
INSERT INTO feeder_measurements (site_id, feeder_id, measured_at, power_kw, current_l1_a, current_l2_a, current_l3_a, solar_kw, other_load_kw)
VALUES (%(site_id)s, %(feeder_id)s, %(measured_at)s, %(power_kw)s, %(current_l1_a)s, %(current_l2_a)s, %(current_l3_a)s,
        %(solar_kw)s, %(other_load_kw)s)
ON CONFLICT (site_id, feeder_id, measured_at) DO UPDATE SET
    power_kw = excluded.power_kw,
    current_l1_a = coalesce(excluded.current_l1_a, feeder_measurements.current_l1_a),
    current_l2_a = coalesce(excluded.current_l2_a, feeder_measurements.current_l2_a),
    current_l3_a = coalesce(excluded.current_l3_a, feeder_measurements.current_l3_a),
    solar_kw = coalesce(excluded.solar_kw, feeder_measurements.solar_kw),
    other_load_kw = coalesce(excluded.other_load_kw, feeder_measurements.other_load_kw);

-- name: measurements
SELECT * FROM feeder_measurements
WHERE site_id = %(site_id)s AND feeder_id = %(feeder_id)s AND measured_at >= %(since)s
  AND (%(until)s::timestamptz IS NULL OR measured_at < %(until)s)
ORDER BY measured_at;

-- name: copy_raw_messages
COPY raw_messages (station_id, received_at, direction, message) FROM STDIN (FORMAT binary);

-- name: raw_messages
SELECT * FROM raw_messages WHERE station_id = %(station_id)s AND received_at >= %(since)s ORDER BY received_at;
