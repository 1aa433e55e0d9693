-- name: start_list
INSERT INTO class_list (owner_id, reader, language, started_at, used_at, taps_after)
VALUES (%(owner)s, %(reader)s, %(language)s, %(now)s, %(now)s, %(since)s) RETURNING id

-- name: add_names
INSERT INTO class_name (list_id, position, name)
SELECT %(list)s, n.position, n.name FROM unnest(%(names)s::text[]) WITH ORDINALITY AS n (name, position)

-- name: lists_of
SELECT l.id, l.started_at, count(n.position) AS names,
       count(n.position) FILTER (WHERE n.credential_id IS NOT NULL OR n.skipped) AS done
FROM class_list l JOIN class_name n ON n.list_id = l.id
WHERE l.owner_id = %(owner)s GROUP BY l.id ORDER BY l.started_at DESC, l.id

-- name: count_lists
SELECT count(*) FROM class_list WHERE owner_id = %(owner)s

-- name: list
SELECT id, reader, language, started_at, taps_after FROM class_list WHERE id = %(list)s AND owner_id = %(owner)s

-- name: lock_list
-- Also notes that the list is in use; two tabs with the same list take turns.
UPDATE class_list SET used_at = %(now)s WHERE id = %(list)s AND owner_id = %(owner)s
RETURNING id, reader, language, started_at, taps_after

-- name: names
SELECT n.position, n.name, n.credential_id, n.skipped, n.done_at, c.person_id,
       lower(c.valid) AS enrolled_at
FROM class_name n LEFT JOIN credential c ON c.id = n.credential_id
WHERE n.list_id = %(list)s ORDER BY n.position

-- name: set_enrolled
UPDATE class_name SET credential_id = %(credential)s, name = %(name)s, skipped = false, done_at = %(now)s
WHERE list_id = %(list)s AND position = %(position)s AND credential_id IS NULL RETURNING position

-- name: set_skipped
UPDATE class_name SET skipped = true, done_at = %(now)s
WHERE list_id = %(list)s AND position = %(position)s AND credential_id IS NULL RETURNING position

-- name: set_waiting
UPDATE class_name SET credential_id = NULL, skipped = false, done_at = NULL
WHERE list_id = %(list)s AND position = %(position)s

-- name: last_done
-- What was done last and is still so: a badge that was taken back elsewhere leaves its name waiting.
SELECT position, credential_id FROM class_name
WHERE list_id = %(list)s AND (skipped OR credential_id IS NOT NULL) ORDER BY done_at DESC, position DESC LIMIT 1

-- name: leave_out_taps
UPDATE class_list SET taps_after = %(now)s WHERE id = %(list)s

-- name: end_list
DELETE FROM class_list WHERE id = %(list)s AND owner_id = %(owner)s RETURNING id

-- name: same_name
-- People of the register with exactly this name, whatever its capital letters.
SELECT p.id, p.name,
       (SELECT count(*) FROM credential c WHERE c.person_id = p.id AND upper_inf(c.valid)) AS credentials
FROM person p WHERE p.kind = 'enrolled' AND lower(p.name) = lower(%(name)s)
ORDER BY p.created_at, p.id LIMIT %(most)s

-- name: desk_readers
SELECT r.device_id || '/' || r.name AS key, d.name AS device_name, r.device_id AS device, r.name AS reader
FROM reader r JOIN device d ON d.id = r.device_id
WHERE r.purpose = 'desk' AND d.archived_at IS NULL ORDER BY 1

-- name: taps_at_reader
-- The newest tap of each badge at the list's reader, the oldest first, as people stand in line.
SELECT DISTINCT ON (t.badge) t.id, t.tapped_at, t.kind, d.name AS device_name, t.device_id AS device,
       c.id AS credential_id, p.id AS person_id, p.name
FROM desk_tap t
JOIN device d ON d.id = t.device_id
LEFT JOIN credential_pseudonym cp ON cp.badge = t.badge
LEFT JOIN credential c ON c.id = cp.credential_id
     AND EXISTS (SELECT FROM person e WHERE e.id = c.person_id AND e.kind = 'enrolled')
LEFT JOIN person p ON p.id = c.person_id
WHERE t.tapped_at > greatest(%(since)s::timestamptz, %(after)s::timestamptz)
  AND (%(reader)s = '' OR t.device_id || '/' || t.reader = %(reader)s)
ORDER BY t.badge, t.tapped_at DESC, t.id DESC
