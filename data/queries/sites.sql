-- name: put_site
INSERT INTO sites (id, name, timezone, currency, feeders, voltage_v, max_voltage_v, import_limit_kw, reserved_other_load_kw, solar,
                   region, export_limit_kw, policy, place)
VALUES (%(id)s, %(name)s, %(timezone)s, %(currency)s, %(feeders)s, %(voltage_v)s, %(max_voltage_v)s, %(import_limit_kw)s,
        %(reserved_other_load_kw)s, %(solar)s, %(region)s, %(export_limit_kw)s, %(policy)s, %(place)s)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name, timezone = excluded.timezone, currency = excluded.currency, feeders = excluded.feeders,
    voltage_v = excluded.voltage_v, max_voltage_v = excluded.max_voltage_v, import_limit_kw = excluded.import_limit_kw,
    reserved_other_load_kw = excluded.reserved_other_load_kw, solar = excluded.solar,
    region = excluded.region, export_limit_kw = excluded.export_limit_kw, policy = excluded.policy,
    place = excluded.place, retired_at = NULL;

-- name: lock_site
SELECT id FROM sites WHERE id = %(site_id)s FOR NO KEY UPDATE;

-- name: sites
SELECT id, name, timezone, currency, feeders::text, voltage_v, max_voltage_v, import_limit_kw, reserved_other_load_kw, solar::text,
       region, export_limit_kw, policy::text, place::text
FROM sites WHERE (%(site_id)s::text IS NULL OR id = %(site_id)s) AND (retired_at IS NULL OR %(retired)s) ORDER BY id;

-- name: stations
SELECT id, site_id, feeder_id, security_profile, vendor, model, retired_at FROM stations
WHERE (%(site_id)s::text IS NULL OR site_id = %(site_id)s) AND (%(station_id)s::text IS NULL OR id = %(station_id)s)
  AND (retired_at IS NULL OR %(retired)s OR EXISTS (SELECT FROM connectors WHERE station_id = stations.id AND counted))
ORDER BY id;

-- name: connectors
SELECT connectors.* FROM connectors JOIN stations ON stations.id = station_id
WHERE (%(site_id)s::text IS NULL OR site_id = %(site_id)s) AND (%(station_id)s::text IS NULL OR station_id = %(station_id)s)
  AND (counted OR %(retired)s AND stations.retired_at IS NOT NULL)
ORDER BY station_id, connector_id;

-- A retired station that is made again at its site goes on with its history.
-- name: add_station
INSERT INTO stations (id, site_id, feeder_id, security_profile, key_hash, vendor, model)
VALUES (%(id)s, %(site_id)s, %(feeder_id)s, %(security_profile)s, %(key_hash)s, %(vendor)s, %(model)s)
ON CONFLICT (id) DO UPDATE SET
    feeder_id = excluded.feeder_id, security_profile = excluded.security_profile, key_hash = excluded.key_hash,
    vendor = excluded.vendor, model = excluded.model, retired_at = NULL
WHERE stations.retired_at IS NOT NULL AND stations.site_id = excluded.site_id;

-- name: change_station
UPDATE stations SET feeder_id = %(feeder_id)s, vendor = %(vendor)s, model = %(model)s WHERE id = %(id)s AND retired_at IS NULL;

-- name: put_connector
INSERT INTO connectors (station_id, connector_id, phases, max_current_a, min_current_a, fallback_current_a, step_a, rotation_known,
                        single_phase, min_dwell_s)
VALUES (%(station_id)s, %(connector_id)s, %(phases)s, %(max_current_a)s, %(min_current_a)s, %(fallback_current_a)s, %(step_a)s,
        %(rotation_known)s, %(single_phase)s, %(min_dwell_s)s)
ON CONFLICT (station_id, connector_id) DO UPDATE SET
    phases = excluded.phases, max_current_a = excluded.max_current_a, min_current_a = excluded.min_current_a,
    fallback_current_a = excluded.fallback_current_a, step_a = excluded.step_a, rotation_known = excluded.rotation_known,
    single_phase = excluded.single_phase, min_dwell_s = excluded.min_dwell_s,
    retired_at = NULL, counted = true;
