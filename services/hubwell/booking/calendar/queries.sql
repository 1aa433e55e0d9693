-- Addresses of calendars, and the bookings that a calendar shows. Times are passed in.

-- name: add_address
INSERT INTO calendar_address (token_hash, shows, space_id, owner, created_at)
VALUES (%(hash)s, %(shows)s, %(space)s, %(owner)s, %(now)s) RETURNING id

-- name: count_addresses
SELECT count(*) FROM calendar_address WHERE owner = %(owner)s

-- name: addresses
-- One's own, and for who looks after bookings those of spaces.
SELECT c.id, c.shows, c.space_id, coalesce(s.name, '') AS space, c.owner,
       coalesce(nullif(a.name, ''), a.login, '') AS owner_name, c.created_at, c.last_read_on
FROM calendar_address c
LEFT JOIN space s ON s.id = c.space_id
LEFT JOIN account a ON 'account:' || a.id = c.owner
WHERE c.owner = %(owner)s OR (%(manages)s AND c.space_id IS NOT NULL)
ORDER BY c.owner <> %(owner)s, s.name NULLS FIRST, c.created_at, c.id

-- name: address
SELECT c.id, c.shows, c.space_id, coalesce(s.name, '') AS space, c.owner,
       coalesce(nullif(a.name, ''), a.login, '') AS owner_name, c.created_at, c.last_read_on
FROM calendar_address c
LEFT JOIN space s ON s.id = c.space_id
LEFT JOIN account a ON 'account:' || a.id = c.owner
WHERE c.id = %(address)s

-- name: address_with_token
-- Somebody's own bookings are not read while the account is closed; those of a space are.
SELECT c.id, c.shows, c.space_id, coalesce(s.name, '') AS space, c.owner,
       coalesce(nullif(a.name, ''), a.login, '') AS owner_name, c.created_at, c.last_read_on
FROM calendar_address c
LEFT JOIN space s ON s.id = c.space_id
LEFT JOIN account a ON 'account:' || a.id = c.owner
WHERE c.token_hash = %(hash)s AND (c.shows <> 'own' OR a.disabled_at IS NULL)

-- name: revoke_address
DELETE FROM calendar_address WHERE id = %(address)s

-- name: note_reading
UPDATE calendar_address SET last_read_on = %(today)s WHERE id = %(address)s

-- name: forget_owner
DELETE FROM calendar_address WHERE owner = %(owner)s

-- name: shown
-- A booking lasts a day at most, so those that reach into the time begin at most a day before it.
SELECT v.id, v.start, v.until AS "end", v.title, v.shows_title, v.space, v.part_names, v.whole, v.version, v.created_at,
       b.changed_at
FROM booking_shown v JOIN booking b ON b.id = v.id
WHERE v.cancelled_at IS NULL
  AND v.start > %(start)s::timestamptz - interval '24 hours' AND v.start < %(end)s AND v.until > %(start)s
  AND (%(space)s::text IS NULL OR v.space_id = %(space)s) AND (%(owner)s::text IS NULL OR v.owner = %(owner)s)
ORDER BY v.start, v.id LIMIT %(most)s
