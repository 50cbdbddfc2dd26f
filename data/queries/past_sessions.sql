-- name: make_past_session_staging
CREATE TEMPORARY TABLE past_session_staging (
    line integer, station_id text, connector_id integer, transaction_id text, id_tag text, started_at timestamptz,
    ended_at timestamptz, energy_kwh double precision, need_energy_kwh double precision, need_departs_at timestamptz
) ON COMMIT DROP;

-- name: copy_past_sessions
COPY past_session_staging (line, station_id, connector_id, transaction_id, id_tag, started_at, ended_at, energy_kwh,
    need_energy_kwh, need_departs_at)
FROM STDIN (FORMAT binary);

-- What was brought along before stays as it is: a file that tells it otherwise is not used.
-- name: contradicted_past_session
SELECT line FROM past_session_staging AS told JOIN sessions AS known USING (station_id, transaction_id)
WHERE (told.connector_id, told.id_tag, told.started_at, told.ended_at, told.energy_kwh, told.need_energy_kwh, told.need_departs_at)
    IS DISTINCT FROM (known.connector_id, known.id_tag, known.started_at, known.ended_at, known.energy_kwh::double precision,
                      known.need_energy_kwh::double precision, known.need_departs_at)
ORDER BY line LIMIT 1;

-- While we heard of a vehicle at a connector ourselves, no other was there.
-- name: drop_heard_past_sessions
DELETE FROM past_session_staging AS told WHERE EXISTS (
    SELECT FROM sessions AS heard
    WHERE heard.station_id = told.station_id AND heard.connector_id IN (told.connector_id, 0)
      AND heard.transaction_id NOT LIKE %(ours)s
      AND heard.started_at < told.ended_at AND coalesce(heard.ended_at, 'infinity') > told.started_at
);

-- name: merge_past_sessions
INSERT INTO sessions (id, site_id, station_id, connector_id, transaction_id, id_is_ours, id_tag, started_at, changed_at, energy_kwh,
                      state, need_energy_kwh, need_departs_at, need_source, ended_at, start_known, stop_known)
SELECT gen_random_uuid()::text, %(site_id)s, station_id, connector_id, transaction_id, false, id_tag, started_at, ended_at, energy_kwh,
       'ended', need_energy_kwh, need_departs_at, CASE WHEN need_energy_kwh IS NOT NULL THEN %(source)s END, ended_at, true, true
FROM past_session_staging ORDER BY started_at, line
ON CONFLICT (station_id, transaction_id) DO NOTHING;
