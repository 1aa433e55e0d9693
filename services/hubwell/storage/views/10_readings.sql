-- Seconds between two readings of a series, as its device declares them, at most slowest_declared(); null where it
-- declares none.
CREATE FUNCTION declared_every_s(meta jsonb, series text) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN (
    SELECT max(least((said ->> 'every_s')::float8, extract(epoch FROM slowest_declared())::float8))
               FILTER (WHERE said ->> 'every_s' IS NOT NULL)
    FROM jsonb_array_elements(CASE jsonb_typeof(meta -> 'sensors') WHEN 'array' THEN meta -> 'sensors' ELSE '[]' END) said
    WHERE said ->> 's' = series
);

-- The newest value of every series of devices in use, of any age, and what it is worth: `current` is the one place that decides whether
-- a value counts (good, and as old as a reading holds at most); `state` says what is wrong with a series. It is silent
-- after stale_after(), or after three of its steps: the declared one, else the rhythm of its newest readings as
-- hubwell.air.rules has it, which is looked for only where it can matter. A series is `seldom` where it measures less often
-- than a rule can judge, by its declared step, else by its newest readings.
CREATE VIEW series_now AS
SELECT n.series_id, n.device_id, n.space_id, n.name, n.quantity, n.unit, n.time, n.value, n.quality, n.every_s,
       CASE
           WHEN n.time IS NULL THEN 'never'
           WHEN n.time <= now() - greatest(stale_after(), make_interval(secs => 3 * n.every_s))
                OR n.time >= now() + stale_after() THEN 'silent'
           WHEN n.quality >= suspect() THEN 'in-doubt'
           ELSE 'ok'
       END AS state,
       coalesce(
           n.quality < suspect() AND n.time < now() + stale_after()
           AND n.time > now() - greatest(
               stale_after(), least(make_interval(secs => hold_steps() * coalesce(n.every_s, 0)), longest_hold())
           ),
           false
       ) AS current,
       coalesce(n.every_s > extract(epoch FROM slowest_judged()), NOT n.often) AS seldom
FROM (
    SELECT s.id AS series_id, s.device_id, d.space_id, s.name, s.quantity, s.unit, r.time, r.value, r.quality,
           coalesce(declared.every_s, rhythm.every_s) AS every_s,
           EXISTS (
               SELECT FROM reading
               WHERE series_id = s.id AND time >= r.time - slowest_judged() AND time < r.time AND quality < suspect()
           ) AS often
    FROM series s
    JOIN device d ON d.id = s.device_id AND d.archived_at IS NULL
    LEFT JOIN LATERAL (
        SELECT time, value, quality FROM reading WHERE series_id = s.id ORDER BY time DESC LIMIT 1
    ) r ON true
    CROSS JOIN LATERAL (SELECT declared_every_s(d.meta, s.name) AS every_s OFFSET 0) declared
    LEFT JOIN LATERAL (
        SELECT middle AS every_s FROM (
            SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY step) AS middle, array_agg(step) AS steps
            FROM (
                SELECT extract(epoch FROM lag(time) OVER (ORDER BY time DESC) - time)::float8 AS step
                FROM (
                    SELECT time FROM reading
                    WHERE declared.every_s IS NULL AND r.time <= now() - stale_after()
                      AND r.time > now() - 3 * slowest_judged() AND series_id = s.id
                    ORDER BY time DESC LIMIT rhythm_readings()
                ) AS newest
            ) AS pairs WHERE step IS NOT NULL
        ) AS stepped
        WHERE cardinality(steps) >= rhythm_least_steps() AND middle <= extract(epoch FROM slowest_judged())
          AND (
              SELECT count(*) FILTER (WHERE abs(step - middle) <= middle * rhythm_near()) >= rhythm_near_share() * count(*)
              FROM unnest(steps) AS step
          )
    ) rhythm ON true
) n;
