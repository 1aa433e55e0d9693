-- name: lock_rule
-- Lets one transaction at a time evaluate a rule in a space, each seeing what the previous one committed. The
-- locks are taken in one order, so that two transactions cannot deadlock.
SELECT pg_advisory_xact_lock(hashtextextended(%(rule)s || ' ' || space_id, 1))
FROM (SELECT unnest(%(spaces)s::text[]) AS space_id ORDER BY 1) AS spaces

-- name: bounds
-- Of each space the newest reading, and the last one before its first new reading.
SELECT w.space_id, max(newest.time), max(before.time)
FROM unnest(%(spaces)s::text[], %(first)s::timestamptz[]) AS w (space_id, first)
JOIN device d ON d.space_id = w.space_id AND d.archived_at IS NULL
JOIN series s ON s.device_id = d.id AND s.quantity = %(quantity)s
LEFT JOIN LATERAL (SELECT time FROM reading WHERE series_id = s.id ORDER BY time DESC LIMIT 1) newest ON true
LEFT JOIN LATERAL (
    SELECT time FROM reading WHERE series_id = s.id AND time < w.first ORDER BY time DESC LIMIT 1
) before ON true
GROUP BY w.space_id

-- name: samples
-- One row per window and series, with its times (seconds since 1970) and values in order; of series that see people
-- (by a switch or by their number) only positive values are read. A series that declares its step is read from window
-- plus hold before the first minute; of others the newest times show the rhythm.
SELECT w.number, s.quantity, e.every_s, n.times, r.times, r.values
FROM unnest(%(spaces)s::text[], %(first)s::timestamptz[], %(after)s::timestamptz[], %(until)s::timestamptz[])
    WITH ORDINALITY AS w (space_id, first, after, until, number)
JOIN device d ON d.space_id = w.space_id
JOIN series s ON s.device_id = d.id AND (s.quantity = %(quantity)s OR sees_people(s.quantity, s.name))
CROSS JOIN LATERAL (SELECT declared_every_s(d.meta, s.name) AS every_s OFFSET 0) e
CROSS JOIN LATERAL (
    SELECT array_agg(extract(epoch FROM time)::float8 ORDER BY time) AS times FROM (
        SELECT time FROM reading
        WHERE e.every_s IS NULL AND s.quantity = %(quantity)s
          AND series_id = s.id AND time <= w.until AND quality < suspect()
        ORDER BY time DESC LIMIT rhythm_readings()
    ) AS newest
) n
CROSS JOIN LATERAL (
    SELECT array_agg(extract(epoch FROM time)::float8 ORDER BY time) AS times,
           array_agg(value ORDER BY time) AS values
    FROM reading
    WHERE series_id = s.id AND quality < suspect() AND (s.quantity = %(quantity)s OR value > 0)
      AND time <= w.until
      AND time > greatest(
          w.after,
          w.first - %(window)s::interval
              - greatest(%(shortest)s::interval, make_interval(secs => hold_steps() * e.every_s))
              - CASE WHEN e.every_s IS NULL THEN longest_hold() ELSE interval '0' END
      )
) r
WHERE r.times IS NOT NULL
ORDER BY w.number, s.id

-- name: next
SELECT min(r.time) FROM series s JOIN device d ON d.id = s.device_id CROSS JOIN LATERAL (
    SELECT time FROM reading WHERE series_id = s.id AND time > %(after)s ORDER BY time LIMIT 1
) r
WHERE d.space_id = %(space)s AND s.quantity = %(quantity)s

-- name: visits
SELECT w.number, lower(v.during), upper(v.during)
FROM unnest(%(spaces)s::text[], %(after)s::timestamptz[], %(until)s::timestamptz[])
    WITH ORDINALITY AS w (space_id, after, until, number)
JOIN visit v ON v.space_id = w.space_id AND v.during && tstzrange(w.after, w.until, '[]')

-- name: episodes
-- The episodes that were open at a time from `first` to `until`, both included.
SELECT w.number, e.id, e.opened_at, e.resolved_at, e.peak
FROM unnest(%(spaces)s::text[], %(first)s::timestamptz[], %(until)s::timestamptz[])
    WITH ORDINALITY AS w (space_id, first, until, number)
JOIN episode e ON e.rule = %(rule)s AND e.space_id = w.space_id
    AND e.opened_at <= w.until AND (e.resolved_at IS NULL OR e.resolved_at >= w.first)
ORDER BY e.opened_at

-- name: add_episode
INSERT INTO episode (rule, rule_version, space_id, opened_at, resolved_at, value, peak, evidence)
VALUES (%(rule)s, %(version)s, %(space)s, %(opened)s, %(resolved)s, %(value)s, %(peak)s, %(evidence)s)
ON CONFLICT DO NOTHING
RETURNING id

-- name: move_episode
UPDATE episode SET opened_at = %(opened)s, resolved_at = %(resolved)s, peak = %(peak)s WHERE id = %(id)s
