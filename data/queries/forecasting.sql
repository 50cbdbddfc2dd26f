-- name: next_model_version
SELECT coalesce(max(version), 0) + 1 AS version FROM forecast_models WHERE site_id = %(site_id)s AND kind = %(kind)s;

-- name: retire_model
UPDATE forecast_models SET in_service = false, text = '' WHERE site_id = %(site_id)s AND kind = %(kind)s AND in_service;

-- name: add_model
INSERT INTO forecast_models (site_id, kind, version, trained_at, data_from, data_until, rows, text, crps, floor_crps, scored,
    in_service, why, notes)
VALUES (%(site_id)s, %(kind)s, %(version)s, %(trained_at)s, %(data_from)s, %(data_until)s, %(rows)s, %(text)s, %(crps)s,
    %(floor_crps)s, %(scored)s, %(in_service)s, %(why)s, %(notes)s);

-- name: models_in_service
SELECT * FROM forecast_models WHERE site_id = %(site_id)s AND in_service;

-- name: forecast_models
SELECT site_id, kind, version, trained_at, data_from, data_until, rows, '' AS text, crps, floor_crps, scored, in_service, why, notes
FROM forecast_models WHERE site_id = %(site_id)s AND trained_at >= %(since)s ORDER BY kind, version DESC;

-- name: add_point
INSERT INTO forecast_points (site_id, quantity, issued_at, valid_at, horizon_s, levels, values, floor_values, model_version,
    session_id)
VALUES (%(site_id)s, %(quantity)s, %(issued_at)s, %(valid_at)s, %(horizon_s)s, %(levels)s, %(values)s, %(floor_values)s,
    %(model_version)s, %(session_id)s)
ON CONFLICT DO NOTHING;

-- name: forecast_points
SELECT * FROM forecast_points
WHERE site_id = %(site_id)s AND quantity = %(quantity)s AND valid_at >= %(since)s AND valid_at < %(until)s
ORDER BY valid_at, session_id, issued_at;

-- name: add_score
INSERT INTO forecast_scores (site_id, quantity, horizon_s, scored_at, data_from, data_until, count, rmse, nrmse, mean_error,
    skill, pinball, crps, floor_crps, coverage_80, width_80, note)
VALUES (%(site_id)s, %(quantity)s, %(horizon_s)s, %(scored_at)s, %(data_from)s, %(data_until)s, %(count)s, %(rmse)s, %(nrmse)s,
    %(mean_error)s, %(skill)s, %(pinball)s, %(crps)s, %(floor_crps)s, %(coverage_80)s, %(width_80)s, %(note)s)
ON CONFLICT DO NOTHING;

-- name: forecast_scores
SELECT * FROM forecast_scores WHERE site_id = %(site_id)s AND scored_at >= %(since)s
ORDER BY scored_at DESC, quantity, horizon_s;

-- name: add_weather
INSERT INTO weather_forecasts (site_id, issued_at, valid_at, global_w_m2, air_c)
VALUES (%(site_id)s, %(issued_at)s, %(valid_at)s, %(global_w_m2)s, %(air_c)s)
ON CONFLICT DO NOTHING;

-- name: weather_forecasts
SELECT issued_at, valid_at, global_w_m2, air_c FROM weather_forecasts
WHERE site_id = %(site_id)s AND issued_at >= %(since)s AND issued_at <= %(until)s ORDER BY issued_at;

-- Of each day's first issue, and of the newest that speaks of an instant: what was known of a day in its morning.
-- name: air_temperatures
SELECT DISTINCT ON (told.at) told.at AS valid_at, told.c AS air_c
FROM (SELECT DISTINCT ON (date_trunc('day', issued_at)) issued_at, valid_at, air_c FROM weather_forecasts
      WHERE site_id = %(site_id)s AND issued_at >= %(since)s AND issued_at <= %(until)s
      ORDER BY date_trunc('day', issued_at), issued_at) AS morning,
     unnest(morning.valid_at, morning.air_c) AS told(at, c)
ORDER BY told.at, morning.issued_at DESC;

-- Quarter hours that are still due count: nobody sums them up just to count.
-- name: forecasting_holdings
SELECT (SELECT count(*) FROM (SELECT starts_at FROM quarters WHERE quarters.site_id = %(site_id)s
                              UNION SELECT starts_at FROM quarters_due WHERE quarters_due.site_id = %(site_id)s) AS known)
           AS quarters,
       (SELECT count(*) FROM sessions WHERE site_id = %(site_id)s AND ended_at IS NOT NULL) AS sessions;
