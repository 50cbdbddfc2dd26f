-- name: lock_station
SELECT site_id FROM stations WHERE id = %(station_id)s FOR NO KEY UPDATE;

-- name: session_of_message
SELECT sessions.* FROM transaction_events JOIN sessions ON sessions.id = session_id
WHERE transaction_events.station_id = %(station_id)s AND message_key = %(message_key)s;

-- name: record_message
INSERT INTO transaction_events (station_id, message_key, session_id, received_at, event)
VALUES (%(station_id)s, %(message_key)s, %(session_id)s, %(received_at)s, %(event)s) ON CONFLICT DO NOTHING;

-- name: session_of_transaction
SELECT * FROM sessions WHERE station_id = %(station_id)s AND transaction_id = %(transaction_id)s;

-- name: session_of_start
SELECT * FROM sessions
WHERE id_is_ours AND station_id = %(station_id)s AND connector_id = %(connector_id)s AND started_at = %(started_at)s
  AND id_tag IS NOT DISTINCT FROM %(id_tag)s::text AND meter_start_kwh IS NOT DISTINCT FROM %(meter_start_kwh)s::double precision;

-- name: add_session
INSERT INTO sessions (id, site_id, station_id, connector_id, transaction_id, id_is_ours, id_tag, started_at, changed_at,
                      meter_start_kwh, state, start_known)
VALUES (%(id)s, %(site_id)s, %(station_id)s, %(connector_id)s, %(transaction_id)s, %(id_is_ours)s, %(id_tag)s, %(started_at)s,
        %(changed_at)s, %(meter_start_kwh)s, %(state)s, %(start_known)s)
RETURNING *;

-- name: complete_start
UPDATE sessions SET
    start_known = true, connector_id = %(connector_id)s, id_tag = coalesce(%(id_tag)s, id_tag),
    started_at = least(%(started_at)s, ended_at), meter_start_kwh = coalesce(%(meter_start_kwh)s, meter_start_kwh)
WHERE id = %(id)s RETURNING *;

-- name: begin_earlier
UPDATE sessions SET started_at = %(started_at)s WHERE id = %(id)s AND NOT start_known AND started_at > %(started_at)s RETURNING *;

-- name: change_session
UPDATE sessions SET
    connector_id = %(connector_id)s, id_tag = coalesce(id_tag, %(id_tag)s), state = %(state)s, changed_at = %(changed_at)s,
    energy_kwh = %(energy_kwh)s, energy_estimated = %(energy_estimated)s
WHERE id = %(id)s RETURNING *;

-- name: close_session
UPDATE sessions SET
    state = 'ended', ended_at = %(ended_at)s, changed_at = greatest(changed_at, %(ended_at)s),
    meter_stop_kwh = %(meter_stop_kwh)s, stop_reason = %(stop_reason)s, stop_known = %(stop_known)s,
    energy_kwh = %(energy_kwh)s, energy_estimated = %(energy_estimated)s
WHERE id = %(id)s RETURNING *;

-- A connector has one vehicle: an open session is over once a later one has started there.
-- name: overtaken_sessions
SELECT sessions.*, later.started_at AS next_started_at FROM sessions CROSS JOIN LATERAL (
    SELECT min(started_at) AS started_at FROM sessions AS other
    WHERE other.station_id = sessions.station_id AND other.connector_id = sessions.connector_id
      AND (other.started_at, other.number) > (sessions.started_at, sessions.number)
) AS later
WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s AND ended_at IS NULL AND later.started_at IS NOT NULL;

-- Per connector the newest session that a stop at `ended_at` could belong to.
-- name: stoppable_sessions
SELECT DISTINCT ON (connector_id) * FROM sessions
WHERE station_id = %(station_id)s AND id_is_ours AND NOT stop_known AND started_at <= %(ended_at)s
  AND (%(connector_id)s::integer IS NULL OR connector_id = %(connector_id)s)
ORDER BY connector_id, started_at DESC, number DESC;

-- name: last_register
SELECT energy_kwh FROM samples
WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s AND sampled_at >= %(since)s AND sampled_at <= %(until)s
  AND energy_kwh IS NOT NULL
ORDER BY sampled_at DESC LIMIT 1;

-- name: first_register
SELECT sampled_at, energy_kwh FROM samples
WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s AND sampled_at >= %(since)s AND sampled_at <= %(until)s
  AND energy_kwh IS NOT NULL
ORDER BY sampled_at LIMIT 1;

-- name: register_before
SELECT energy_kwh FROM samples
WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s AND sampled_at < %(before)s AND energy_kwh IS NOT NULL
ORDER BY sampled_at DESC LIMIT 1;

-- name: registers
SELECT sampled_at, energy_kwh FROM samples
WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s AND sampled_at >= %(since)s AND sampled_at <= %(until)s
  AND energy_kwh IS NOT NULL
ORDER BY sampled_at;

-- name: last_sample_at
SELECT max(sampled_at) AS sampled_at FROM samples
WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s AND sampled_at >= %(since)s AND sampled_at <= %(until)s;

-- name: connector_power
SELECT max_current_a * cardinality(phases) * max_voltage_v / 1000.0 AS max_power_kw
FROM connectors JOIN stations ON stations.id = station_id JOIN sites ON sites.id = site_id
WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s;

-- name: connector_ids
SELECT connector_id FROM connectors WHERE station_id = %(station_id)s AND retired_at IS NULL;
