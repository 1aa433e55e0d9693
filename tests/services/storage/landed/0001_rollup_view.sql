-- The same name and columns as the continuous aggregate of TimescaleDB community.
CREATE VIEW reading_5m AS
SELECT date_bin('5 minutes', time, timestamptz '2000-01-01 00:00:00+00') AS bucket,
       series_id,
       count(*) AS n,
       avg(value) AS mean,
       min(value) AS min,
       max(value) AS max,
       (array_agg(value ORDER BY time DESC))[1] AS last
FROM reading
GROUP BY 1, 2;
