-- name: measurement_means
SELECT to_timestamp(floor(extract(epoch FROM measured_at) / %(step_s)s) * %(step_s)s) AS starts_at,
       avg(power_kw) AS power_kw, avg(solar_kw) AS solar_kw, avg(other_load_kw) AS other_load_kw
FROM feeder_measurements
WHERE site_id = %(site_id)s AND feeder_id = %(feeder_id)s AND measured_at >= %(since)s AND measured_at < %(until)s
GROUP BY 1 ORDER BY 1;
