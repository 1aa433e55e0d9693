-- name: samples
SELECT s.quantity, r.time, r.value
FROM reading r JOIN series s ON s.id = r.series_id JOIN device d ON d.id = s.device_id
WHERE d.space_id = %(space)s AND s.quantity = ANY (%(quantities)s)
  AND r.time > %(after)s AND r.time <= %(until)s AND r.quality < 2
ORDER BY r.time

-- name: newest
SELECT max(time) FROM series_now WHERE space_id = %(space)s AND quantity = %(quantity)s

-- name: visits
SELECT lower(during), upper(during) FROM visit
WHERE space_id = %(space)s AND during && tstzrange(%(after)s, %(until)s)

-- name: episode_at
-- The episode that was going on at a time, or still is.
SELECT id, opened_at, resolved_at, peak FROM episode
WHERE rule = %(rule)s AND space_id = %(space)s
  AND opened_at <= %(until)s AND (resolved_at IS NULL OR resolved_at > %(after)s)
ORDER BY opened_at

-- name: open_episode
INSERT INTO episode (rule, rule_version, space_id, opened_at, value, peak, evidence)
VALUES (%(rule)s, %(version)s, %(space)s, %(at)s, %(value)s, %(value)s, %(evidence)s)
ON CONFLICT DO NOTHING
RETURNING id

-- name: raise_peak
UPDATE episode SET peak = greatest(peak, %(peak)s)
WHERE rule = %(rule)s AND space_id = %(space)s AND resolved_at IS NULL

-- name: resolve_episode
UPDATE episode SET resolved_at = %(at)s
WHERE rule = %(rule)s AND space_id = %(space)s AND resolved_at IS NULL AND opened_at < %(at)s
RETURNING id, opened_at, peak
