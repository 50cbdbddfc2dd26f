-- name: session
SELECT * FROM sessions WHERE id = %(session_id)s;

-- name: sessions
SELECT * FROM sessions
WHERE (%(site_id)s::text IS NULL OR site_id = %(site_id)s) AND (%(station_id)s::text IS NULL OR station_id = %(station_id)s)
  AND NOT (%(open_only)s AND ended_at IS NOT NULL)
ORDER BY started_at DESC, number DESC LIMIT %(limit)s;

-- name: open_sessions
SELECT * FROM sessions WHERE site_id = %(site_id)s AND ended_at IS NULL ORDER BY started_at, number;

-- name: ended_sessions
SELECT * FROM sessions WHERE site_id = %(site_id)s AND started_at >= %(since)s AND ended_at IS NOT NULL ORDER BY started_at, number;

-- name: set_need
UPDATE sessions SET
    need_energy_kwh = %(energy_kwh)s, need_departs_at = %(departs_at)s, need_source = %(source)s,
    need_minimum_now_kwh = %(minimum_now_kwh)s, priority = coalesce(%(priority)s, priority)
WHERE id = %(session_id)s RETURNING *;

-- name: note_progress
UPDATE sessions SET
    energy_kwh = greatest(energy_kwh, %(energy_kwh)s), state = %(state)s, active_phases = coalesce(%(active_phases)s, active_phases)
WHERE id = %(session_id)s AND ended_at IS NULL;
