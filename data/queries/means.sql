-- name: measurement_means
SELECT to_timestamp(floor(extract(epoch FROM measured_at) / %(step_s)s) * %(step_s)s) AS starts_at,
       avg(power_kw) AS power_kw, avg(solar_kw) AS solar_kw, avg(other_load_kw) AS other_load_kw
FROM feeder_measurements
WHERE site_id = %(site_id)s AND feeder_id = %(feeder_id)s AND measured_at >= %(since)s AND measured_at < %(until)s
GROUP BY 1 ORDER BY 1;

-- In the order of the key, as those who sum up take them. The update is a lock: whoever sums up waits for this reading.
-- name: note_quarter
INSERT INTO quarters_due (site_id, feeder_id, starts_at) VALUES (%(site_id)s, %(feeder_id)s, %(starts_at)s)
ON CONFLICT (site_id, feeder_id, starts_at) DO UPDATE SET starts_at = excluded.starts_at;

-- name: take_quarters_due
DELETE FROM quarters_due USING (
    SELECT site_id, feeder_id, starts_at FROM quarters_due
    WHERE site_id = %(site_id)s AND starts_at < %(until)s
    ORDER BY site_id, feeder_id, starts_at LIMIT %(most)s FOR UPDATE
) AS due
WHERE quarters_due.site_id = due.site_id AND quarters_due.feeder_id = due.feeder_id AND quarters_due.starts_at = due.starts_at
RETURNING quarters_due.feeder_id, quarters_due.starts_at;

-- Of one feeder and day, so that only that day is looked at.
-- name: sum_quarters
INSERT INTO quarters (site_id, feeder_id, starts_at, power_kw, solar_kw, other_load_kw)
SELECT site_id, feeder_id, date_bin('15 minutes', measured_at, 'epoch') AS starts_at, avg(power_kw), avg(solar_kw), avg(other_load_kw)
FROM feeder_measurements
WHERE site_id = %(site_id)s AND feeder_id = %(feeder_id)s AND measured_at >= %(since)s AND measured_at < %(until)s
  AND date_bin('15 minutes', measured_at, 'epoch') = ANY(%(starts_at)s)
GROUP BY 1, 2, 3
ON CONFLICT (site_id, feeder_id, starts_at) DO UPDATE SET
    power_kw = excluded.power_kw, solar_kw = excluded.solar_kw, other_load_kw = excluded.other_load_kw;

-- One row of arrays: a year of quarter hours is read without making an object of each.
-- name: quarters
SELECT array_agg(extract(epoch FROM starts_at)::bigint ORDER BY starts_at) AS starts_s,
       array_agg(power_kw::double precision ORDER BY starts_at) AS power_kw,
       array_agg(solar_kw::double precision ORDER BY starts_at) AS solar_kw,
       array_agg(other_load_kw::double precision ORDER BY starts_at) AS other_load_kw
FROM quarters
WHERE site_id = %(site_id)s AND feeder_id = %(feeder_id)s AND starts_at >= %(since)s AND starts_at < %(until)s;
