-- How far a station's clock may be behind, what is added to instants written for it (negative: it is behind), how far it was measured
-- to be ahead (null: not yet) [s], and when that was last known; null: nothing is known. Grants keep how far ahead they were written.

ALTER TABLE stations
    ADD COLUMN clock_behind_s non_negative,
    ADD COLUMN clock_ahead_s double precision,
    ADD COLUMN clock_error_s double precision,
    ADD COLUMN clock_known_at timestamptz,
    ADD CHECK (num_nulls(clock_behind_s, clock_ahead_s, clock_known_at) IN (0, 3));

ALTER TABLE grants ADD COLUMN clock_ahead_s double precision NOT NULL DEFAULT 0;
