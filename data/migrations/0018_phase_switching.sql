-- Connectors that can be told to charge on one phase: which, and how long they stay as they are after a switch [s] (null: they cannot).
-- Grants keep on which phase alone they permit to draw (null: on all), and since when their transaction has been told so (null: always).

ALTER TABLE connectors
    ADD COLUMN single_phase text,
    ADD COLUMN min_dwell_s non_negative,
    ADD CHECK (num_nulls(single_phase, min_dwell_s) IN (0, 2)),
    ADD CHECK (single_phase = ANY (phases));

ALTER TABLE grants
    ADD COLUMN single_phase text,
    ADD COLUMN switched_at timestamptz;
