-- Energy per connector and quarter hour (UTC), for ever: what energy managers ask for after the samples are gone. What comes late and in
-- any order makes quarter hours due to be reckoned anew.

CREATE TABLE energy_quarters (
    station_id text NOT NULL,
    connector_id integer NOT NULL,
    starts_at timestamptz NOT NULL,
    energy_kwh non_negative NOT NULL,
    max_kw finite,
    PRIMARY KEY (station_id, connector_id, starts_at)
);
CREATE TABLE energy_due (
    station_id text NOT NULL,
    connector_id integer NOT NULL,
    starts_at timestamptz NOT NULL,
    PRIMARY KEY (station_id, connector_id, starts_at)
);
-- Taken to be reckoned, each time under a number of its own.
CREATE SEQUENCE energy_takings;
CREATE TABLE energy_taken (
    station_id text NOT NULL,
    connector_id integer NOT NULL,
    starts_at timestamptz NOT NULL,
    taking bigint NOT NULL,
    PRIMARY KEY (station_id, connector_id, starts_at, taking)
);
INSERT INTO energy_due
SELECT station_id, connector_id, date_bin('15 minutes', sampled_at, 'epoch') FROM samples WHERE connector_id > 0
UNION SELECT station_id, connector_id, date_bin('15 minutes', started_at, 'epoch') FROM sessions WHERE connector_id > 0
UNION SELECT station_id, connector_id, date_bin('15 minutes', ended_at, 'epoch') FROM sessions WHERE connector_id > 0 AND ended_at IS NOT NULL;

CREATE INDEX sessions_by_end ON sessions (station_id, connector_id, ended_at);
