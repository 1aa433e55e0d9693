-- Readings in doubt (quality 2) are counted, and part of no value. A continuous aggregate cannot be altered, so it is
-- created again, from the readings. Its policy has no beginning: what is replayed, corrected or deleted is followed
-- however old it is, as on engines where this is a view.
DROP MATERIALIZED VIEW reading_5m;

-- materialized_only = false: the newest readings are added at query time, so that "now" is never stale.
CREATE MATERIALIZED VIEW reading_5m WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket('5 minutes', time, timestamptz '2000-01-01 00:00:00+00') AS bucket,
       series_id,
       count(*) FILTER (WHERE quality < 2) AS n,
       avg(value) FILTER (WHERE quality < 2) AS mean,
       min(value) FILTER (WHERE quality < 2) AS min,
       max(value) FILTER (WHERE quality < 2) AS max,
       last(value, time) FILTER (WHERE quality < 2) AS last,
       count(*) FILTER (WHERE quality >= 2) AS suspect
FROM reading
GROUP BY 1, 2
WITH NO DATA;

-- A month in each batch: in batches of ten steps, the default, a year of readings takes 10,000 transactions.
SELECT add_continuous_aggregate_policy(
    'reading_5m',
    start_offset => NULL,
    end_offset => interval '10 minutes',
    schedule_interval => interval '5 minutes',
    buckets_per_batch => 8640
);
