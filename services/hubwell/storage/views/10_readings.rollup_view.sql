-- The same name and columns as the continuous aggregate of TimescaleDB community. Readings in doubt (quality 2) are
-- counted, and part of no value.
CREATE VIEW reading_5m AS
SELECT date_bin('5 minutes', time, timestamptz '2000-01-01 00:00:00+00') AS bucket,
       series_id,
       count(*) FILTER (WHERE quality < suspect()) AS n,
       avg(value) FILTER (WHERE quality < suspect()) AS mean,
       min(value) FILTER (WHERE quality < suspect()) AS min,
       max(value) FILTER (WHERE quality < suspect()) AS max,
       (array_agg(value ORDER BY time DESC) FILTER (WHERE quality < suspect()))[1] AS last,
       count(*) FILTER (WHERE quality >= suspect()) AS suspect
FROM reading
GROUP BY 1, 2;
