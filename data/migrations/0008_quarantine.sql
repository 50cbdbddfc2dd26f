-- Connectors that were metered above their limits: they count at their hardware maximum until they obey, also after a restart.

CREATE TABLE quarantined_connectors (
    station_id text NOT NULL,
    connector_id integer NOT NULL,
    PRIMARY KEY (station_id, connector_id),
    FOREIGN KEY (station_id, connector_id) REFERENCES connectors ON DELETE CASCADE
);
