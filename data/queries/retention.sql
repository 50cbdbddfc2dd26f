-- name: drop_days
SELECT drop_days(%(series)s, %(before)s) AS dropped;

-- name: drop_stray_raw_messages
DELETE FROM raw_messages WHERE received_at < %(before)s;

-- name: drop_stray_samples
DELETE FROM samples WHERE sampled_at < %(before)s;

-- The plan in force stays, however old it is.
-- name: drop_plans
DELETE FROM plans WHERE made_at < %(before)s
  AND EXISTS (SELECT FROM plans AS later WHERE later.site_id = plans.site_id AND later.made_at > plans.made_at);

-- name: drop_forecasts
DELETE FROM forecasts WHERE issued_at < %(before)s
  AND EXISTS (SELECT FROM forecasts AS later WHERE later.site_id = forecasts.site_id AND later.quantity = forecasts.quantity
              AND later.issued_at > forecasts.issued_at);

-- name: drop_grants
DELETE FROM grants WHERE issued_at < %(before)s AND state IN ('rejected', 'superseded', 'ended');

-- name: drop_station_events
DELETE FROM station_events WHERE received_at < %(before)s;

-- name: drop_forecast_points
DELETE FROM forecast_points WHERE issued_at < %(before)s;

-- name: drop_forecast_scores
DELETE FROM forecast_scores WHERE scored_at < %(before)s;
