-- name: set_station_key
UPDATE stations SET key_hash = %(key_hash)s WHERE id = %(station_id)s AND retired_at IS NULL;

-- name: station_credentials
SELECT id AS station_id, site_id, security_profile, key_hash FROM stations WHERE id = %(station_id)s AND retired_at IS NULL;

-- name: record_boot
UPDATE stations SET
    vendor = %(vendor)s, model = %(model)s, serial_number = %(serial_number)s, firmware_version = %(firmware_version)s,
    booted_at = %(received_at)s, boot_reason = %(reason)s, last_seen_at = greatest(last_seen_at, %(received_at)s)
WHERE id = %(station_id)s;

-- name: record_capabilities
UPDATE stations SET
    capabilities_at = %(received_at)s, max_stack_level = %(max_stack_level)s, max_periods = %(max_periods)s,
    max_profiles = %(max_profiles)s, rate_units = %(rate_units)s, connector_count = %(connector_count)s
WHERE id = %(station_id)s;

-- name: record_connection
UPDATE stations SET
    protocol = %(protocol)s, connected_at = %(at)s, disconnected_at = NULL, last_seen_at = greatest(last_seen_at, %(at)s)
WHERE id = %(station_id)s;

-- name: record_disconnection
UPDATE stations SET disconnected_at = %(at)s, last_seen_at = greatest(last_seen_at, %(at)s) WHERE id = %(station_id)s;

-- name: record_seen
UPDATE stations SET last_seen_at = greatest(last_seen_at, %(at)s) WHERE id = %(station_id)s;

-- name: record_all_disconnected
UPDATE stations SET disconnected_at = %(at)s WHERE connected_at IS NOT NULL AND disconnected_at IS NULL;

-- name: record_clock
UPDATE stations SET
    clock_behind_s = %(behind_s)s, clock_ahead_s = %(ahead_s)s, clock_error_s = %(error_s)s, clock_known_at = %(known_at)s
WHERE id = %(station_id)s;

-- name: connection_states
SELECT id, protocol, connected_at, disconnected_at, last_seen_at, vendor, model, serial_number, firmware_version, booted_at,
       capabilities_at, max_stack_level, max_periods, max_profiles, rate_units, connector_count,
       clock_behind_s, clock_ahead_s, clock_error_s, clock_known_at
FROM stations WHERE site_id = %(site_id)s ORDER BY id;

-- name: record_status
INSERT INTO connector_status (station_id, connector_id, status, error_code, info, changed_at, received_at)
VALUES (%(station_id)s, %(connector_id)s, %(status)s, %(error_code)s, %(info)s, %(changed_at)s, %(received_at)s)
ON CONFLICT (station_id, connector_id) DO UPDATE SET
    status = excluded.status, error_code = excluded.error_code, info = excluded.info, changed_at = excluded.changed_at,
    received_at = excluded.received_at
WHERE coalesce(excluded.changed_at, excluded.received_at) >= coalesce(connector_status.changed_at, connector_status.received_at);

-- name: connector_statuses
SELECT connector_status.* FROM connector_status JOIN stations ON stations.id = station_id
WHERE site_id = %(site_id)s ORDER BY station_id, connector_id;

-- name: add_station_event
INSERT INTO station_events (station_id, received_at, kind, event)
VALUES (%(station_id)s, %(received_at)s, %(kind)s, %(event)s);

-- name: station_events
SELECT received_at, kind, event::text FROM station_events
WHERE station_id = %(station_id)s AND received_at >= %(since)s ORDER BY received_at, id;

-- name: add_alarm
INSERT INTO alarms (site_id, station_id, raised_at, kind, message)
VALUES (%(site_id)s, %(station_id)s, %(raised_at)s, %(kind)s, %(message)s);

-- name: alarms
SELECT site_id, station_id, raised_at, kind, message FROM alarms
WHERE site_id = %(site_id)s AND raised_at >= %(since)s ORDER BY raised_at, id;
