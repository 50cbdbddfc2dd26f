-- Who stores messages holds this until they are committed.
-- name: hold_energy
SELECT pg_advisory_xact_lock_shared(hashtext('energy'));

-- Whoever reckons what was taken waits for all who may have found their quarter hours noted before.
-- name: await_energy
SELECT pg_advisory_xact_lock(hashtext('energy'));

-- What is noted already costs nothing. In the order of the key, as everybody notes.
-- name: note_energy_due
INSERT INTO energy_due (station_id, connector_id, starts_at)
SELECT station_id, connector_id, to_timestamp(900 * quarter)
FROM unnest(%(station_id)s::text[], %(connector_id)s::integer[], %(quarter)s::double precision[]) AS due (station_id, connector_id, quarter)
ORDER BY 1, 2, 3
ON CONFLICT DO NOTHING;

-- name: take_energy_due
WITH due AS (
    DELETE FROM energy_due USING stations
    WHERE stations.id = station_id AND (%(site_id)s::text IS NULL OR site_id = %(site_id)s) AND starts_at < %(until)s
    RETURNING station_id, connector_id, starts_at
), numbered AS (SELECT nextval('energy_takings') AS taking)
INSERT INTO energy_taken SELECT station_id, connector_id, starts_at, taking FROM due CROSS JOIN numbered;

-- name: connectors_with_energy_taken
SELECT DISTINCT station_id, connector_id FROM energy_taken JOIN stations ON stations.id = station_id
WHERE %(site_id)s::text IS NULL OR site_id = %(site_id)s ORDER BY 1, 2;

-- Two who reckon the same connector would overwrite each other with what they saw.
-- name: lock_energy
SELECT pg_advisory_xact_lock(hashtextextended(%(station_id)s || '/' || %(connector_id)s::integer, 0));

-- name: finish_energy_taken
DELETE FROM energy_taken USING (
    SELECT starts_at, taking FROM energy_taken WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s
    ORDER BY starts_at LIMIT %(most)s
) AS taken
WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s
  AND energy_taken.starts_at = taken.starts_at AND energy_taken.taking = taken.taking
RETURNING energy_taken.starts_at;

-- Registers that a connector told in its samples, and at starts and stops. Of one instant (they are told in seconds) a stop comes first:
-- the next session may begin anew.
-- name: registers_told
SELECT at, register_kwh FROM (
    SELECT sampled_at AS at, energy_kwh AS register_kwh, 2 AS turn FROM samples
    WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s AND sampled_at >= %(since)s AND sampled_at < %(until)s
      AND energy_kwh IS NOT NULL
    UNION ALL SELECT started_at, meter_start_kwh, 1 FROM sessions
    WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s AND started_at >= %(since)s AND started_at < %(until)s
      AND meter_start_kwh IS NOT NULL
    UNION ALL SELECT ended_at, meter_stop_kwh, 0 FROM sessions
    WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s AND ended_at >= %(since)s AND ended_at < %(until)s
      AND meter_stop_kwh IS NOT NULL
) AS told ORDER BY at, turn, register_kwh;

-- name: registers_told_before
SELECT at, register_kwh FROM (
    (SELECT sampled_at AS at, energy_kwh AS register_kwh, 2 AS turn FROM samples
    WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s AND sampled_at >= %(since)s AND sampled_at < %(before)s
      AND energy_kwh IS NOT NULL ORDER BY sampled_at DESC LIMIT %(most)s)
    UNION ALL (SELECT started_at, meter_start_kwh, 1 FROM sessions
    WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s AND started_at < %(before)s AND meter_start_kwh IS NOT NULL
    ORDER BY started_at DESC LIMIT %(most)s)
    UNION ALL (SELECT ended_at, meter_stop_kwh, 0 FROM sessions
    WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s AND ended_at < %(before)s AND meter_stop_kwh IS NOT NULL
    ORDER BY ended_at DESC LIMIT %(most)s)
) AS told ORDER BY at DESC, turn DESC, register_kwh DESC LIMIT %(most)s;

-- name: registers_told_after
SELECT at, register_kwh FROM (
    (SELECT sampled_at AS at, energy_kwh AS register_kwh, 2 AS turn FROM samples
    WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s AND sampled_at >= %(after)s
      AND energy_kwh IS NOT NULL ORDER BY sampled_at LIMIT %(most)s)
    UNION ALL (SELECT started_at, meter_start_kwh, 1 FROM sessions
    WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s AND started_at >= %(after)s AND meter_start_kwh IS NOT NULL
    ORDER BY started_at LIMIT %(most)s)
    UNION ALL (SELECT ended_at, meter_stop_kwh, 0 FROM sessions
    WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s AND ended_at >= %(after)s AND meter_stop_kwh IS NOT NULL
    ORDER BY ended_at LIMIT %(most)s)
) AS told ORDER BY at, turn, register_kwh LIMIT %(most)s;

-- name: highest_powers
SELECT date_bin('15 minutes', sampled_at, 'epoch') AS starts_at, max(power_kw) AS max_kw FROM samples
WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s AND sampled_at >= %(since)s AND sampled_at < %(until)s
  AND power_kw IS NOT NULL
GROUP BY 1;

-- name: forget_energy_quarters
DELETE FROM energy_quarters
WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s AND starts_at >= %(since)s AND starts_at < %(until)s;

-- name: add_energy_quarter
INSERT INTO energy_quarters (station_id, connector_id, starts_at, energy_kwh, max_kw)
VALUES (%(station_id)s, %(connector_id)s, %(starts_at)s, %(energy_kwh)s, %(max_kw)s);

-- Steps are numbered from 1: the first begins at the first of `edges`.
-- name: connector_energy
SELECT station_id, connector_id, width_bucket(starts_at, %(edges)s::timestamptz[]) AS step, sum(energy_kwh) AS energy_kwh,
       4 * max(energy_kwh) AS peak_kw, max(max_kw) AS max_kw
FROM energy_quarters JOIN stations ON stations.id = station_id
WHERE site_id = %(site_id)s AND starts_at >= %(since)s AND starts_at < %(until)s
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- name: site_energy
SELECT width_bucket(starts_at, %(edges)s::timestamptz[]) AS step, sum(energy_kwh) AS energy_kwh, 4 * max(energy_kwh) AS peak_kw
FROM (
    SELECT starts_at, sum(energy_kwh) AS energy_kwh FROM energy_quarters JOIN stations ON stations.id = station_id
    WHERE site_id = %(site_id)s AND starts_at >= %(since)s AND starts_at < %(until)s GROUP BY starts_at
) AS quarters
GROUP BY 1 ORDER BY 1;
