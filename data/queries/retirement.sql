-- name: open_sessions_of_station
SELECT * FROM sessions
WHERE station_id = %(station_id)s AND ended_at IS NULL
  AND (%(connector_ids)s::integer[] IS NULL OR connector_id = ANY(%(connector_ids)s))
ORDER BY started_at, number;

-- name: leases_of_station
SELECT connector_id, max(lease_ends_at) AS ends_at FROM grants
WHERE station_id = %(station_id)s AND transaction_id IS NOT NULL AND state IN ('stored', 'sent', 'accepted', 'unknown')
  AND (%(connector_ids)s::integer[] IS NULL OR connector_id = ANY(%(connector_ids)s))
GROUP BY connector_id ORDER BY connector_id;

-- name: retire_station
UPDATE stations SET retired_at = %(at)s, key_hash = NULL WHERE id = %(station_id)s AND retired_at IS NULL;

-- name: retire_connectors
UPDATE connectors SET retired_at = %(at)s
WHERE station_id = %(station_id)s AND retired_at IS NULL
  AND (%(connector_ids)s::integer[] IS NULL OR connector_id = ANY(%(connector_ids)s));

-- Of retired connectors those under no lease any more; their defaults count no longer either.
-- name: release_connectors
WITH released AS (
    UPDATE connectors SET counted = false FROM stations
    WHERE counted AND connectors.retired_at IS NOT NULL AND stations.id = station_id AND NOT EXISTS (
        SELECT FROM grants
        WHERE grants.site_id = stations.site_id AND grants.station_id = connectors.station_id
          AND grants.connector_id = connectors.connector_id AND transaction_id IS NOT NULL
          AND state IN ('stored', 'sent', 'accepted', 'unknown')
    )
    RETURNING connectors.station_id, connector_id, site_id
), ended AS (
    UPDATE grants SET state = 'ended' FROM released
    WHERE grants.site_id = released.site_id AND grants.station_id = released.station_id
      AND grants.connector_id = released.connector_id AND state IN ('stored', 'sent', 'accepted', 'unknown')
)
SELECT DISTINCT site_id FROM released;

-- name: retired_stations
SELECT id FROM stations WHERE retired_at >= %(since)s;

-- name: retire_site
UPDATE sites SET retired_at = %(at)s WHERE id = %(site_id)s AND retired_at IS NULL;
