-- requires: timescaledb
-- Whole days of a series that end at or before `before` go with their chunks.
CREATE FUNCTION drop_days(series text, before date) RETURNS integer LANGUAGE sql AS
    'SELECT count(*)::integer FROM drop_chunks(series::regclass, older_than => before::timestamp AT TIME ZONE ''UTC'')';
