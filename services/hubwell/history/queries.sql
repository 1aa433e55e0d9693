-- name: series_of_space
-- Series with a past to show: no numbers of people, and nothing of one person's room. Devices that are not used any more
-- count too: they measured this space.
SELECT s.id, s.quantity, sees_people(s.quantity, s.name) AS sees_people
FROM series s
JOIN device d ON d.id = s.device_id
JOIN space p ON p.id = d.space_id AND NOT p.personal
WHERE d.space_id = %(space)s
  AND (sees_people(s.quantity, s.name) OR s.quantity = ANY (%(quantities)s) AND NOT is_count(s.name, s.unit))

-- name: hours
-- Stretches of some hours, all series of a quantity joined: each good reading counts alike, those in doubt have no value.
SELECT s.quantity, date_bin(%(width)s::interval, h.hour, %(start)s) AS start, sum(h.n)::bigint AS n,
       sum(h.mean * h.n) / nullif(sum(h.n), 0)::float8 AS mean, min(h.min) AS low, max(h.max) AS high
FROM reading_hours(%(series)s::int[], %(start)s, %(end)s) h JOIN series s ON s.id = h.series_id
GROUP BY 1, 2 ORDER BY 2

-- name: steps
-- The same of steps of five minutes.
SELECT s.quantity, date_bin(%(width)s::interval, b.start, %(start)s) AS start, sum(t.n)::bigint AS n,
       sum(t.mean * t.n) / nullif(sum(t.n), 0)::float8 AS mean, min(t.min) AS low, max(t.max) AS high
FROM reading_hours(%(series)s::int[], date_trunc('hour', %(start)s::timestamptz, 'UTC'), %(end)s) h
JOIN series s ON s.id = h.series_id
CROSS JOIN LATERAL unnest(h.steps, h.step_n, h.step_mean, h.step_min, h.step_max) AS t (step, n, mean, min, max)
CROSS JOIN LATERAL (SELECT h.hour + t.step * count_window() AS start) b
WHERE b.start >= %(start)s AND b.start < %(end)s
GROUP BY 1, 2 ORDER BY 2

-- name: use_of_space
-- Two bit masks an hour: steps of five minutes in which a sensor of people was heard, and in which one saw people.
SELECT hour, bit_or(known) AS known, bit_or(raised) AS used
FROM reading_hours(%(series)s::int[], date_trunc('hour', %(start)s::timestamptz, 'UTC'), %(end)s) GROUP BY hour ORDER BY hour

-- name: series_of_hub
SELECT s.id FROM series s
JOIN device d ON d.id = s.device_id
JOIN space p ON p.id = d.space_id AND p.archived_at IS NULL AND NOT p.personal
WHERE s.quantity = %(co2)s OR sees_people(s.quantity, s.name)

-- name: use_of_hub
-- Steps of five minutes by space and week, and by hour of the week of the newest one, which has no space. Days and weeks
-- are those of the hub's zone; hours of the day from %(opens)s until %(closes)s count.
WITH span AS MATERIALIZED (
    SELECT start, date_trunc('week', l.hour)::date AS week, extract(isodow FROM l.hour)::int AS day,
           extract(hour FROM l.hour)::int AS hour
    FROM generate_series(date_trunc('hour', %(start)s::timestamptz, 'UTC'), %(end)s::timestamptz, interval '1 hour') start
    CROSS JOIN LATERAL (SELECT start AT TIME ZONE %(zone)s AS hour) l
    WHERE extract(hour FROM l.hour) >= %(opens)s AND extract(hour FROM l.hour) < %(closes)s
), source AS MATERIALIZED (
    SELECT s.id, d.space_id, sees_people(s.quantity, s.name) AS sees_people
    FROM series s JOIN device d ON d.id = s.device_id
    WHERE s.id = ANY (%(series)s::int[])
), of_hour AS MATERIALIZED (
    SELECT source.space_id, h.hour,
           bit_or(h.known) FILTER (WHERE source.sees_people) AS known,
           bit_or(h.raised) FILTER (WHERE source.sees_people) AS used,
           bit_or(h.known) FILTER (WHERE NOT source.sees_people) AS air_known,
           bit_or(h.raised) FILTER (WHERE NOT source.sees_people) AS air_raised
    FROM reading_hours(%(series)s::int[], %(start)s, %(end)s) h
    JOIN source ON source.id = h.series_id
    WHERE h.hour IN (SELECT start FROM span)
    GROUP BY 1, 2
), counted AS (
    SELECT space_id, week, day, span.hour,
           bit_count(coalesce(known, 0)::int::bit(12)) AS known, bit_count(coalesce(used, 0)::int::bit(12)) AS used,
           bit_count(coalesce(air_known, 0)::int::bit(12)) AS air_known,
           bit_count(coalesce(air_raised, 0)::int::bit(12)) AS air_raised
    FROM of_hour JOIN span ON span.start = of_hour.hour
)
SELECT space_id, week, day, hour, sum(known)::int AS known, sum(used)::int AS used, sum(air_known)::int AS air_known,
       sum(air_raised)::int AS air_raised
FROM counted GROUP BY GROUPING SETS ((space_id, week), (week, day, hour))

-- name: booked_of_hub
-- Steps of five minutes by space that were booked, wholly or in part, and what sensors of people saw in them; hours of the
-- day as above. A booking has at most 24 hours, so its beginning bounds the search.
WITH seen AS (
    SELECT d.space_id, h.hour, bit_or(h.known) AS known, bit_or(h.raised) AS used
    FROM reading_hours(%(series)s::int[], %(start)s, %(end)s) h
    JOIN series s ON s.id = h.series_id AND sees_people(s.quantity, s.name)
    JOIN device d ON d.id = s.device_id
    GROUP BY 1, 2
), booked AS (
    SELECT b.space_id, date_trunc('hour', step, 'UTC') AS hour,
           bit_or(1 << (extract(minute FROM step)::int / 5)) AS mask
    FROM booking b
    CROSS JOIN LATERAL generate_series(
        date_bin(count_window(), greatest(lower(b.during), %(start)s), 'epoch'),
        least(upper(b.during), %(end)s) - interval '1 microsecond', count_window()
    ) step
    WHERE b.cancelled_at IS NULL AND lower(b.during) > %(start)s::timestamptz - interval '24 hours'
      AND lower(b.during) < %(end)s AND upper(b.during) > %(start)s
    GROUP BY 1, 2
), of_hour AS (
    SELECT space_id, extract(hour FROM hour AT TIME ZONE %(zone)s) AS hour, coalesce(mask, 0)::int::bit(12) AS booked,
           coalesce(known, 0)::int::bit(12) AS known, coalesce(used, 0)::int::bit(12) AS used
    FROM booked FULL JOIN seen USING (space_id, hour)
)
SELECT space_id, sum(bit_count(booked))::int AS booked, sum(bit_count(booked & used))::int AS used,
       sum(bit_count(booked & known & ~used))::int AS empty, sum(bit_count(used & ~booked))::int AS unbooked
FROM of_hour WHERE hour >= %(opens)s AND hour < %(closes)s GROUP BY space_id

-- name: spaces
SELECT id, coalesce(names ->> %(language)s, name) AS name, kind, zone
FROM space WHERE archived_at IS NULL AND NOT personal
ORDER BY array_position(space_kinds(), kind), position, 2

-- name: most_people
-- The largest number that the gate published of each space in a span.
SELECT place, max(about) FROM people_figure
WHERE scope = 'space' AND start >= %(start)s AND start < %(end)s AND about IS NOT NULL GROUP BY place

-- name: steps_of_device
-- A bit for each step of five minutes with readings, good or in doubt, of all series of a device, also of those that it
-- had before it was moved.
SELECT h.hour, bit_or(m.mask)::int AS steps
FROM reading_hours(
    ARRAY(
        SELECT s.id FROM series s JOIN device d ON d.id = s.device_id
        WHERE d.id = %(device)s OR d.past_of = %(device)s
    ), date_trunc('hour', %(start)s::timestamptz, 'UTC'), %(end)s
) h
CROSS JOIN LATERAL (SELECT bit_or(1 << step::int) AS mask FROM unnest(h.steps) AS step) m
WHERE m.mask IS NOT NULL
GROUP BY h.hour ORDER BY h.hour

-- name: quickest_of_device
SELECT min(every_s)::float8, count(*) > 0 FROM series_now WHERE device_id = %(device)s
