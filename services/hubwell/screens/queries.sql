-- Screens, and those that wait to be paired. Times are passed in.

-- name: waiting
SELECT code, expires_at FROM screen_code WHERE secret_hash = %(secret)s AND expires_at > %(now)s

-- name: count_waiting
SELECT count(*) FROM screen_code WHERE expires_at > %(now)s

-- name: wait
INSERT INTO screen_code (secret_hash, code, expires_at) VALUES (%(secret)s, %(code)s, %(until)s)
ON CONFLICT (secret_hash) DO UPDATE SET code = excluded.code, expires_at = excluded.expires_at

-- name: use_code
DELETE FROM screen_code WHERE code = %(code)s AND expires_at > %(now)s RETURNING secret_hash

-- name: add
INSERT INTO screen (name, shows, space_id, device_id, reader, token_hash, paired_at, last_seen_at, expires_at)
VALUES (%(name)s, %(shows)s, %(space)s, %(device)s, %(reader)s, %(token)s, %(now)s, %(now)s, %(until)s)
RETURNING id

-- name: change
UPDATE screen SET name = %(name)s, shows = %(shows)s, space_id = %(space)s, device_id = %(device)s, reader = %(reader)s
WHERE id = %(screen)s

-- name: revoke
DELETE FROM screen WHERE id = %(screen)s RETURNING name

-- name: lock
SELECT name, shows, space_id, device_id, reader FROM screen WHERE id = %(screen)s FOR UPDATE

-- name: with_token
SELECT s.id, s.name, s.shows, s.space_id, s.device_id, s.reader, s.seal_key, s.last_seen_at
FROM screen s WHERE s.token_hash = %(token)s AND s.expires_at > %(now)s

-- name: seen
UPDATE screen SET last_seen_at = %(now)s, expires_at = %(until)s WHERE id = %(screen)s

-- name: set_seal_key
UPDATE screen SET seal_key = %(key)s WHERE id = %(screen)s

-- name: screens
SELECT s.id, s.name, s.shows, s.space_id, p.name AS space_name, p.archived_at IS NOT NULL AS archived,
       s.device_id, s.reader, coalesce(nullif(d.name, ''), d.id) AS device_name, s.paired_at, s.last_seen_at
FROM screen s LEFT JOIN space p ON p.id = s.space_id LEFT JOIN device d ON d.id = s.device_id
WHERE s.expires_at > %(now)s AND (%(screen)s::uuid IS NULL OR s.id = %(screen)s)
ORDER BY lower(s.name)

-- name: readers
-- Readers that devices say they have, and those whose purpose was set; a desk's shows badges to staff alone.
SELECT d.id AS device_id, r.name AS reader, coalesce(nullif(d.name, ''), d.id) AS device_name,
       coalesce(p.purpose, 'space') AS purpose
FROM device d
CROSS JOIN LATERAL (
    SELECT m ->> 'name' AS name
    FROM jsonb_array_elements(CASE WHEN jsonb_typeof(d.meta -> 'readers') = 'array' THEN d.meta -> 'readers' ELSE '[]' END) m
    WHERE m ->> 'name' IS NOT NULL
    UNION
    SELECT k.name FROM reader k WHERE k.device_id = d.id
) r
LEFT JOIN reader p ON p.device_id = d.id AND p.name = r.name
WHERE d.archived_at IS NULL AND coalesce(p.purpose, 'space') <> 'desk'
ORDER BY coalesce(p.purpose, 'space') <> 'kiosk', device_name, r.name

-- name: is_space
SELECT FROM space WHERE id = %(space)s AND archived_at IS NULL

-- name: kiosks_of
-- Screens beside these readers that a running API process can read answers for.
SELECT device_id, reader, id, seal_key FROM screen
WHERE seal_key IS NOT NULL AND device_id = ANY (%(devices)s) AND expires_at > %(now)s

-- name: is_reader_away
SELECT d.archived_at IS NOT NULL OR coalesce(d.status = 'offline', false) FROM device d WHERE d.id = %(device)s

-- name: door_readers
-- Readers at the door of a space, which check people in there: those that its devices say they have, without those of a
-- desk or a kiosk. An id of a device means nothing to people at a door.
SELECT d.name AS device_name, r.name AS reader, coalesce(d.status = 'offline', false) AS is_away
FROM device d
CROSS JOIN LATERAL (
    SELECT m ->> 'name' AS name
    FROM jsonb_array_elements(CASE WHEN jsonb_typeof(d.meta -> 'readers') = 'array' THEN d.meta -> 'readers' ELSE '[]' END) m
    WHERE m ->> 'name' IS NOT NULL
    UNION
    SELECT k.name FROM reader k WHERE k.device_id = d.id
) r
LEFT JOIN reader p ON p.device_id = d.id AND p.name = r.name
WHERE d.space_id = %(space)s AND d.archived_at IS NULL AND coalesce(p.purpose, 'space') = 'space'
ORDER BY device_name, r.name
