-- materialized_only = false: the newest readings are added at query time, so that "now" is never stale.
CREATE MATERIALIZED VIEW reading_5m WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket('5 minutes', time, timestamptz '2000-01-01 00:00:00+00') AS bucket,
       series_id,
       count(*) AS n,
       avg(value) AS mean,
       min(value) AS min,
       max(value) AS max,
       last(value, time) AS last
FROM reading
GROUP BY 1, 2
WITH NO DATA;

SELECT add_continuous_aggregate_policy(
    'reading_5m',
    start_offset => interval '90 days',
    end_offset => interval '10 minutes',
    schedule_interval => interval '5 minutes'
);

ALTER TABLE reading SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'series_id',
    timescaledb.compress_orderby = 'time'
);
SELECT add_compression_policy('reading', interval '30 days');
