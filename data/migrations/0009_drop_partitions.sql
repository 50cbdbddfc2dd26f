-- requires: plain
-- Whole days of a series that end at or before `before` go with their partitions; what the default partition holds of them is
-- for its owner to delete, who knows the column.
CREATE FUNCTION drop_days(series text, before date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    partition text;
    dropped integer := 0;
BEGIN
    FOR partition IN
        SELECT inhrelid::regclass::text FROM pg_inherits
        WHERE inhparent = series::regclass AND inhrelid::regclass::text ~ ('^' || series || '_[0-9]{8}$')
          AND to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD') < before
    LOOP
        EXECUTE format('DROP TABLE %s', partition);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
