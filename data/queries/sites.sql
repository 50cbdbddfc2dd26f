-- name: put_site
INSERT INTO sites (id, name, timezone, currency, feeders, voltage_v, max_voltage_v, import_limit_kw, reserved_other_load_kw, solar,
                   region)
VALUES (%(id)s, %(name)s, %(timezone)s, %(currency)s, %(feeders)s, %(voltage_v)s, %(max_voltage_v)s, %(import_limit_kw)s,
        %(reserved_other_load_kw)s, %(solar)s, %(region)s)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name, timezone = excluded.timezone, currency = excluded.currency, feeders = excluded.feeders,
    voltage_v = excluded.voltage_v, max_voltage_v = excluded.max_voltage_v, import_limit_kw = excluded.import_limit_kw,
    reserved_other_load_kw = excluded.reserved_other_load_kw, solar = excluded.solar,
    region = excluded.region;

-- name: lock_site
SELECT id FROM sites WHERE id = %(site_id)s FOR NO KEY UPDATE;

-- name: sites
SELECT id, name, timezone, currency, feeders::text, voltage_v, max_voltage_v, import_limit_kw, reserved_other_load_kw, solar::text,
       region
FROM sites WHERE %(site_id)s::text IS NULL OR id = %(site_id)s ORDER BY id;

-- name: stations
SELECT id, site_id, feeder_id, security_profile, vendor, model FROM stations
WHERE (%(site_id)s::text IS NULL OR site_id = %(site_id)s) AND (%(station_id)s::text IS NULL OR id = %(station_id)s)
ORDER BY id;

-- name: connectors
SELECT connectors.* FROM connectors JOIN stations ON stations.id = station_id
WHERE (%(site_id)s::text IS NULL OR site_id = %(site_id)s) AND (%(station_id)s::text IS NULL OR station_id = %(station_id)s)
ORDER BY station_id, connector_id;

-- name: add_station
INSERT INTO stations (id, site_id, feeder_id, security_profile, key_hash, vendor, model)
VALUES (%(id)s, %(site_id)s, %(feeder_id)s, %(security_profile)s, %(key_hash)s, %(vendor)s, %(model)s);

-- name: add_connector
INSERT INTO connectors (station_id, connector_id, phases, max_current_a, min_current_a, fallback_current_a, step_a, rotation_known)
VALUES (%(station_id)s, %(connector_id)s, %(phases)s, %(max_current_a)s, %(min_current_a)s, %(fallback_current_a)s, %(step_a)s,
        %(rotation_known)s);
