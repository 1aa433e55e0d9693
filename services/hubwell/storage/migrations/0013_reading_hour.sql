-- Readings added up by hours and, within them, by steps of five minutes: a plain table, the same on every engine.
CREATE TABLE reading_hour (
    series_id    int NOT NULL REFERENCES series ON DELETE CASCADE,
    hour         timestamptz NOT NULL,
    known        smallint NOT NULL,
    raised       smallint NOT NULL,
    n            int NOT NULL,
    mean         float8,
    min          float8,
    max          float8,
    suspect      int NOT NULL,
    steps        smallint[] NOT NULL,
    step_n       int[] NOT NULL,
    step_mean    float8[] NOT NULL,
    step_min     float8[] NOT NULL,
    step_max     float8[] NOT NULL,
    step_suspect int[] NOT NULL,
    CONSTRAINT reading_hour_once PRIMARY KEY (series_id, hour) INCLUDE (known, raised)
);
COMMENT ON COLUMN reading_hour.known IS 'one bit a step of five minutes, the lowest for the first: it has good readings';
COMMENT ON COLUMN reading_hour.raised IS 'the same: air at the limit of the rule or above, or people seen; see add_up';
COMMENT ON COLUMN reading_hour.steps IS 'steps with readings, from 0 to 11; the arrays beside it have their values';

-- Which readings were written since they were added up. Rows are only added, never changed: a writer waits for nobody,
-- and whoever sees a row sees the readings that it stands for.
CREATE TABLE reading_change (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    series   int[] NOT NULL,
    first    timestamptz NOT NULL,
    last     timestamptz NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now()
);

-- What was stored before this release: a row for each day of a series, the newest days last, which are taken first.
INSERT INTO reading_change (series, first, last)
SELECT array_agg(s.id), day, day + interval '1 day' - interval '1 microsecond'
FROM series s
CROSS JOIN LATERAL (SELECT min(time) AS first, max(time) AS last FROM reading WHERE series_id = s.id) r
CROSS JOIN LATERAL generate_series(date_trunc('day', r.first, 'UTC'), r.last, interval '1 day') day
GROUP BY day, s.device_id
ORDER BY day;
