-- What forecasting learns from and is judged by: quarter hours, models, statements about the future, scores, weather.

-- Means of measurements per quarter hour. Readings come late and in any order: a quarter hour that was touched is due
-- to be summed up anew.
CREATE TABLE quarters (
    site_id text NOT NULL,
    feeder_id text NOT NULL,
    starts_at timestamptz NOT NULL,
    power_kw finite NOT NULL,
    solar_kw finite,
    other_load_kw finite,
    PRIMARY KEY (site_id, feeder_id, starts_at)
);
CREATE TABLE quarters_due (
    site_id text NOT NULL,
    feeder_id text NOT NULL,
    starts_at timestamptz NOT NULL,
    PRIMARY KEY (site_id, feeder_id, starts_at)
);
INSERT INTO quarters_due
SELECT DISTINCT site_id, feeder_id, date_bin('15 minutes', measured_at, 'epoch') FROM feeder_measurements;

CREATE TABLE forecast_models (
    site_id text NOT NULL REFERENCES sites,
    kind text NOT NULL,
    version integer NOT NULL CHECK (version >= 1),
    trained_at timestamptz NOT NULL,
    data_from timestamptz NOT NULL,
    data_until timestamptz NOT NULL,
    rows integer NOT NULL,
    text text NOT NULL,
    crps finite,
    floor_crps finite,
    scored integer NOT NULL,
    in_service boolean NOT NULL,
    why text NOT NULL,
    notes text[] NOT NULL,
    PRIMARY KEY (site_id, kind, version)
);
CREATE UNIQUE INDEX forecast_models_in_service ON forecast_models (site_id, kind) WHERE in_service;

CREATE TABLE forecast_points (
    site_id text NOT NULL REFERENCES sites,
    quantity text NOT NULL,
    issued_at timestamptz NOT NULL,
    valid_at timestamptz NOT NULL,
    horizon_s integer NOT NULL CHECK (horizon_s >= 0),
    levels double precision[] NOT NULL,
    values double precision[] NOT NULL,
    floor_values double precision[] NOT NULL,
    model_version integer NOT NULL,
    session_id text NOT NULL,
    PRIMARY KEY (site_id, quantity, valid_at, session_id, issued_at),
    CHECK (cardinality(levels) = cardinality(values) AND cardinality(levels) = cardinality(floor_values))
);

CREATE TABLE forecast_scores (
    site_id text NOT NULL REFERENCES sites,
    quantity text NOT NULL,
    horizon_s integer NOT NULL,
    scored_at timestamptz NOT NULL,
    data_from timestamptz NOT NULL,
    data_until timestamptz NOT NULL,
    count integer NOT NULL,
    rmse finite NOT NULL,
    nrmse finite,
    mean_error finite NOT NULL,
    skill finite,
    pinball finite NOT NULL,
    crps finite NOT NULL,
    floor_crps finite NOT NULL,
    coverage_80 finite NOT NULL,
    width_80 finite NOT NULL,
    note text NOT NULL,
    PRIMARY KEY (site_id, quantity, horizon_s, scored_at)
);

CREATE TABLE weather_forecasts (
    site_id text NOT NULL REFERENCES sites,
    issued_at timestamptz NOT NULL,
    valid_at timestamptz[] NOT NULL,
    global_w_m2 double precision[] NOT NULL,
    air_c double precision[] NOT NULL,
    PRIMARY KEY (site_id, issued_at),
    CHECK (cardinality(valid_at) = cardinality(global_w_m2) AND cardinality(valid_at) = cardinality(air_c))
);
