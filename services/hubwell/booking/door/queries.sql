-- What was pressed at panels, and what badges take there. Times are passed in.

-- name: ask
-- The newest press at a panel counts.
INSERT INTO door_request (space_id, wish, minutes, asked_at, expires_at)
VALUES (%(space)s, %(wish)s, %(minutes)s, %(now)s, %(until)s)
ON CONFLICT (space_id) DO UPDATE SET id = excluded.id, wish = excluded.wish, minutes = excluded.minutes,
    asked_at = excluded.asked_at, expires_at = excluded.expires_at, answer = '', until = NULL, part = ''
RETURNING id

-- name: waiting
-- Locked before the people of the taps are: one tap answers a request.
SELECT space_id, id, wish, minutes, asked_at, expires_at FROM door_request
WHERE space_id = ANY (%(spaces)s) AND answer = '' AND expires_at > %(since)s
ORDER BY space_id FOR UPDATE

-- name: answer
UPDATE door_request SET answer = %(answer)s, until = %(until)s, part = %(part)s WHERE space_id = %(space)s AND id = %(id)s

-- name: request
SELECT space_id, id, wish, minutes, asked_at, expires_at, answer, until, part FROM door_request
WHERE space_id = %(space)s AND id = %(id)s

-- name: settings
SELECT walk_ins, release_min FROM space WHERE id = %(space)s

-- name: space_at_door
-- As a panel reads it every few seconds: without a lock.
SELECT s.id, s.name, s.names, s.kind, s.capacity, s.opens_at, s.closes_at, s.personal,
       s.archived_at IS NOT NULL AS archived, s.turnaround_min, s.walk_ins
FROM space s WHERE s.id = %(space)s

-- name: parts_at_door
-- When each part is held from or since; NULL: not in the next day. A hold lasts 28 hours at most.
SELECT a.id, a.name, a.capacity, (
    SELECT min(lower(h.during)) FROM hold h
    WHERE h.atom_id = a.id AND lower(h.during) > %(now)s::timestamptz - interval '28 hours'
      AND lower(h.during) < %(now)s::timestamptz + interval '24 hours' AND upper(h.during) > %(now)s
) AS held_from
FROM atom a WHERE a.space_id = %(space)s ORDER BY a.position

-- name: held_after
-- When one of these parts is held by another booking after a time.
SELECT min(lower(h.during)) FROM hold h
WHERE h.atom_id = ANY (%(atoms)s) AND h.booking_id <> %(booking)s AND upper(h.during) > %(start)s
  AND lower(h.during) > %(start)s::timestamptz - interval '28 hours'

-- name: mark_walk_in
-- Who took it was there: it is not released.
UPDATE booking SET walk_in = true, release_at = NULL WHERE id = %(booking)s

-- name: current_of
-- The bookings of a person that last now, in a space or anywhere: taken with a badge or booked with their account.
SELECT b.id FROM booking b
WHERE (%(space)s::text IS NULL OR b.space_id = %(space)s) AND b.cancelled_at IS NULL
  AND upper(b.during) > %(now)s AND lower(b.during) <= %(now)s
  AND b.owner = ANY (
      SELECT 'person:' || %(person)s::text UNION ALL SELECT 'account:' || a.id FROM account a WHERE a.person_id = %(person)s
  ) AND (NOT %(walk_ins)s OR b.walk_in)
ORDER BY b.walk_in DESC, lower(b.during), b.id

-- name: people_of_current
SELECT coalesce(a.person_id, substr(b.owner, 8)::uuid)
FROM booking b LEFT JOIN account a ON 'account:' || a.id = b.owner
WHERE b.space_id = %(space)s AND b.cancelled_at IS NULL AND upper(b.during) > %(now)s AND lower(b.during) <= %(now)s
  AND (a.person_id IS NOT NULL OR b.owner LIKE 'person:%%')

-- name: move_person
UPDATE booking SET owner = 'person:' || %(keep)s::text WHERE owner = 'person:' || %(drop)s::text
