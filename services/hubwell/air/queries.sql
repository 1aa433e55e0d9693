-- name: lock_rule
-- A rule in a space is judged by one transaction at a time, each seeing what the one before committed.
SELECT pg_advisory_xact_lock(hashtextextended(%(rule)s || ' ' || %(space)s, 1))

-- name: samples
-- Two sensors of a space that measure the same instant count once, with their mean.
SELECT s.quantity, r.time, avg(r.value)
FROM reading r JOIN series s ON s.id = r.series_id JOIN device d ON d.id = s.device_id
WHERE d.space_id = %(space)s AND s.quantity = ANY (%(quantities)s)
  AND r.time > %(after)s AND r.time <= %(until)s AND r.quality < 2
GROUP BY s.quantity, r.time
ORDER BY r.time

-- name: newest
SELECT max(time) FROM series_now WHERE space_id = %(space)s AND quantity = %(quantity)s

-- name: next
SELECT min(r.time) FROM series s JOIN device d ON d.id = s.device_id CROSS JOIN LATERAL (
    SELECT time FROM reading WHERE series_id = s.id AND time > %(after)s ORDER BY time LIMIT 1
) r
WHERE d.space_id = %(space)s AND s.quantity = %(quantity)s

-- name: visits
SELECT lower(during), upper(during) FROM visit
WHERE space_id = %(space)s AND during && tstzrange(%(after)s, %(until)s, '[]')

-- name: episodes
-- The episodes that were going on at a time between the two, both included.
SELECT id, opened_at, resolved_at, peak FROM episode
WHERE rule = %(rule)s AND space_id = %(space)s
  AND opened_at <= %(last)s AND (resolved_at IS NULL OR resolved_at >= %(first)s)
ORDER BY opened_at

-- name: add_episode
INSERT INTO episode (rule, rule_version, space_id, opened_at, resolved_at, value, peak, evidence)
VALUES (%(rule)s, %(version)s, %(space)s, %(opened)s, %(resolved)s, %(value)s, %(peak)s, %(evidence)s)
ON CONFLICT DO NOTHING
RETURNING id

-- name: move_episode
UPDATE episode SET opened_at = %(opened)s, resolved_at = %(resolved)s, peak = %(peak)s WHERE id = %(id)s
