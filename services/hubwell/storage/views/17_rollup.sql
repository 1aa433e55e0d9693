-- Readings of a series in an hour, added up: the only place that says how. Readings in doubt (quality 2 and more) are
-- counted, and part of no value. What a broken device sends must not stop all others: avg() fails where the sum of squares
-- overflows. A step is raised where CO2 is at the limit of the air rule or above on average, or
-- where a sensor saw people.
CREATE FUNCTION add_up(of_series int, of_hour timestamptz) RETURNS SETOF reading_hour LANGUAGE sql STABLE AS $$
    SELECT s.id, of_hour,
           coalesce(sum(1 << t.step) FILTER (WHERE t.n > 0), 0)::smallint,
           coalesce(sum(1 << t.step) FILTER (
               WHERE CASE WHEN s.quantity = 'co2' THEN t.mean >= co2_fresh_below() ELSE sees_people(s.quantity, s.name) AND t.max > 0 END
           ), 0)::smallint,
           sum(t.n)::int, sum(t.mean * t.n) / nullif(sum(t.n), 0)::float8, min(t.min), max(t.max), sum(t.suspect)::int,
           array_agg(t.step ORDER BY t.step), array_agg(t.n ORDER BY t.step), array_agg(t.mean ORDER BY t.step),
           array_agg(t.min ORDER BY t.step), array_agg(t.max ORDER BY t.step), array_agg(t.suspect ORDER BY t.step)
    FROM (
        SELECT floor(extract(epoch FROM time - of_hour) / 300)::smallint AS step,
               (count(*) FILTER (WHERE quality < suspect()))::int AS n,
               avg(greatest(least(value, 1e100), -1e100)) FILTER (WHERE quality < suspect()) AS mean,
               min(value) FILTER (WHERE quality < suspect()) AS min,
               max(value) FILTER (WHERE quality < suspect()) AS max,
               (count(*) FILTER (WHERE quality >= suspect()))::int AS suspect
        FROM reading
        WHERE series_id = of_series AND time >= of_hour AND time < of_hour + interval '1 hour'
        GROUP BY 1
    ) t
    JOIN series s ON s.id = of_series
    GROUP BY s.id
$$;

-- The hours of some series that begin in [since, until), as they are now: added up before, or now where readings were
-- written since. So the answer never depends on the worker; only its speed does.
CREATE FUNCTION reading_hours(of_series int[], since timestamptz, until timestamptz) RETURNS SETOF reading_hour
LANGUAGE sql STABLE AS $$
    WITH due AS MATERIALIZED (
        SELECT DISTINCT changed.series_id, hour
        FROM (
            SELECT DISTINCT unnest(series) AS series_id, date_trunc('hour', greatest(first, since), 'UTC') AS first,
                   date_trunc('hour', last, 'UTC') AS last
            FROM reading_change WHERE last >= since AND first < until AND series && of_series
        ) changed
        CROSS JOIN LATERAL generate_series(changed.first, least(changed.last, until), interval '1 hour') hour
        WHERE changed.series_id = ANY (of_series) AND hour >= since AND hour < until
    )
    SELECT h.* FROM reading_hour h
    WHERE h.series_id = ANY (of_series) AND h.hour >= since AND h.hour < until
      AND NOT EXISTS (SELECT FROM due d WHERE d.series_id = h.series_id AND d.hour = h.hour)
    UNION ALL
    SELECT a.* FROM due d CROSS JOIN LATERAL add_up(d.series_id, d.hour) a
$$;
