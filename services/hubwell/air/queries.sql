-- name: lock_rule
-- Lets one transaction at a time evaluate a rule in a space, each seeing what the previous one committed. The
-- locks are taken in one order, so that two transactions cannot deadlock.
SELECT pg_advisory_xact_lock(hashtextextended(%(rule)s || ' ' || space_id, 1))
FROM (SELECT unnest(%(spaces)s::text[]) AS space_id ORDER BY 1) AS spaces

-- name: newest
SELECT space_id, max(time) FROM series_now
WHERE space_id = ANY (%(spaces)s) AND quantity = %(quantity)s GROUP BY space_id

-- name: samples
-- One row per window and quantity, with its times (seconds since 1970) and values in order. Two sensors of a
-- space that measure at the same instant give one value, their mean; of presence only positive values are read.
SELECT number, quantity, array_agg(extract(epoch FROM time)::float8 ORDER BY time), array_agg(value ORDER BY time)
FROM (
    SELECT w.number, s.quantity, r.time, avg(r.value) AS value
    FROM unnest(%(spaces)s::text[], %(after)s::timestamptz[], %(until)s::timestamptz[])
        WITH ORDINALITY AS w (space_id, after, until, number)
    JOIN device d ON d.space_id = w.space_id
    JOIN series s ON s.device_id = d.id AND s.quantity = ANY (%(quantities)s)
    CROSS JOIN LATERAL (
        SELECT time, value FROM reading
        WHERE series_id = s.id AND time > w.after AND time <= w.until AND quality < 2
          AND (s.quantity = %(quantity)s OR value > 0)
        OFFSET 0 -- keeps the planner from joining first: each window is a range of the primary key
    ) r
    GROUP BY w.number, s.quantity, r.time
) AS sample
GROUP BY number, quantity

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
