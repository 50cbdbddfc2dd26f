-- name: try_to_be_sole_server
SELECT pg_try_advisory_lock(hashtextextended('cpms serve', 0)) AS held;
