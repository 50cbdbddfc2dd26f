-- Stations and sites are retired, never deleted: what they billed stays. A retired connector is counted in its site's ledger until
-- nothing that it was granted can be in force.

ALTER TABLE sites ADD COLUMN retired_at timestamptz;
ALTER TABLE stations ADD COLUMN retired_at timestamptz;
ALTER TABLE connectors
    ADD COLUMN retired_at timestamptz,
    ADD COLUMN counted boolean NOT NULL DEFAULT true,
    ADD CHECK (counted OR retired_at IS NOT NULL);
CREATE INDEX connectors_leaving ON connectors (station_id) WHERE counted AND retired_at IS NOT NULL;
CREATE INDEX stations_retired ON stations (retired_at) WHERE retired_at IS NOT NULL;
