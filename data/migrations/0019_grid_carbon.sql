-- How much CO2 a kWh from the grid turned out to cost, as its operator told last: what forecasts of it are judged and corrected by.

CREATE TABLE grid_carbon (
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    co2_g_per_kwh finite NOT NULL,
    PRIMARY KEY (starts_at)
);
