-- name: next_epoch
INSERT INTO controller_epochs (site_id, epoch) VALUES (%(site_id)s, 1)
ON CONFLICT (site_id) DO UPDATE SET epoch = controller_epochs.epoch + 1
RETURNING epoch;

-- Holds the epoch until the grants are committed, so that a new controller cannot come in between.
-- name: hold_epoch
SELECT epoch FROM controller_epochs WHERE site_id = %(site_id)s FOR SHARE;

-- name: add_grant
INSERT INTO grants (id, site_id, station_id, connector_id, sequence, issued_at, fallback_a, transaction_id, period_starts_at,
                    period_limit_a, lease_ends_at, epoch, plan_id, clock_ahead_s, single_phase, switched_at, state)
VALUES (%(id)s, %(site_id)s, %(station_id)s, %(connector_id)s, %(sequence)s, %(issued_at)s, %(fallback_a)s, %(transaction_id)s,
        %(period_starts_at)s, %(period_limit_a)s, %(lease_ends_at)s, %(epoch)s, %(plan_id)s, %(clock_ahead_s)s,
        %(single_phase)s, %(switched_at)s, 'stored')
ON CONFLICT (id) DO NOTHING;

-- name: set_grant_state
UPDATE grants SET state = %(state)s WHERE id = %(grant_id)s;

-- name: live_grants
SELECT * FROM grants WHERE site_id = %(site_id)s AND state IN ('stored', 'sent', 'accepted', 'unknown')
ORDER BY station_id, connector_id, sequence;

-- name: quarantine_connector
INSERT INTO quarantined_connectors (station_id, connector_id)
SELECT station_id, connector_id FROM connectors WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s
ON CONFLICT DO NOTHING;

-- name: release_connector
DELETE FROM quarantined_connectors WHERE station_id = %(station_id)s AND connector_id = %(connector_id)s;

-- name: quarantined_connectors
SELECT station_id, connector_id FROM quarantined_connectors JOIN stations ON stations.id = station_id WHERE site_id = %(site_id)s;
