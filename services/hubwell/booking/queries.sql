-- Bookings and what they hold. Times are passed in. Locks are taken in this order: the space (shared by bookings), the
-- booking, the atoms by id (bookings that are moved), the holds by atom. So transactions wait, but not in a circle.

-- name: space
-- The lock lets bookings of a space pass each other, and lets an archived one be seen by those that waited.
SELECT s.id, s.name, s.names, s.kind, s.capacity, s.opens_at, s.closes_at, s.personal,
       s.archived_at IS NOT NULL AS archived, s.turnaround_min
FROM space s WHERE s.id = %(space)s FOR KEY SHARE

-- name: parts
SELECT id, name, capacity FROM atom WHERE space_id = %(space)s ORDER BY position

-- name: add
INSERT INTO booking (space_id, atoms, during, title, shows_title, people, owner, created_at, changed_at,
                     request_key, request_hash, release_at)
VALUES (%(space)s::hub_id, %(atoms)s, tstzrange(%(start)s, %(end)s), %(title)s, %(shows_title)s, %(people)s, %(owner)s,
        %(now)s, %(now)s, %(key)s, %(hash)s, release_time(%(space)s::hub_id, %(start)s, %(end)s))
ON CONFLICT ON CONSTRAINT booking_request_once DO NOTHING RETURNING id

-- name: hold
-- In the order of atoms, so that those who want the same wait for each other and not in a circle. Fewer rows than atoms:
-- others hold the rest, and the caller rolls back.
INSERT INTO hold (booking_id, atom_id, during)
SELECT %(booking)s, a.id, tstzrange(%(start)s, %(until)s) FROM atom a WHERE a.id = ANY (%(atoms)s) ORDER BY a.id
ON CONFLICT ON CONSTRAINT hold_one_at_a_time DO NOTHING RETURNING atom_id

-- name: request
SELECT id, request_hash FROM booking WHERE owner = %(owner)s AND request_key = %(key)s

-- name: lock_atoms
-- Of bookings that are moved only: what they free and what they take would make them wait in a circle.
SELECT id FROM atom WHERE id = ANY (%(atoms)s) ORDER BY id FOR NO KEY UPDATE

-- name: lock_booking
SELECT id FROM booking WHERE id = %(booking)s FOR NO KEY UPDATE

-- name: free_atom
DELETE FROM hold WHERE booking_id = %(booking)s AND atom_id = %(atom)s

-- name: free_all
DELETE FROM hold WHERE booking_id = %(booking)s

-- name: change
-- What its owner read about its release stays, unless it begins at another time or elsewhere.
UPDATE booking SET
    release_at = CASE WHEN walk_in OR (space_id = %(space)s::hub_id AND lower(during) = %(start)s) THEN release_at
                      ELSE release_time(%(space)s::hub_id, %(start)s, %(end)s) END,
    judged_at = CASE WHEN space_id = %(space)s::hub_id AND lower(during) = %(start)s THEN judged_at END,
    space_id = %(space)s, atoms = %(atoms)s, during = tstzrange(%(start)s, %(end)s), title = %(title)s,
    shows_title = %(shows_title)s, people = %(people)s, changed_at = %(now)s, version = version + 1,
    series_exception = series_id IS NOT NULL
WHERE id = %(booking)s

-- name: end_booking
UPDATE booking SET during = tstzrange(lower(during), %(now)s), changed_at = %(now)s, version = version + 1
WHERE id = %(booking)s

-- name: end_holds
UPDATE hold SET during = tstzrange(lower(during), %(now)s + (upper(during) - %(end)s::timestamptz))
WHERE booking_id = %(booking)s

-- name: cancel
UPDATE booking SET cancelled_at = %(now)s, changed_at = %(now)s, version = version + 1 WHERE id = %(booking)s

-- name: restore
-- One whose release has passed meanwhile is not released at once.
UPDATE booking SET cancelled_at = NULL, judged_at = CASE WHEN release_at <= %(now)s THEN %(now)s ELSE judged_at END, changed_at = %(now)s, version = version + 1 WHERE id = %(booking)s

-- name: cancel_of_space
UPDATE booking SET cancelled_at = %(now)s, changed_at = %(now)s, version = version + 1
WHERE space_id = %(space)s AND cancelled_at IS NULL AND upper(during) > %(now)s
RETURNING id

-- name: free_many
DELETE FROM hold WHERE booking_id = ANY (%(bookings)s)

-- name: forget_owner
UPDATE booking SET owner = '', title = '', shows_title = false, request_key = NULL, request_hash = NULL,
    version = version + 1
WHERE owner = %(owner)s

-- name: booking
SELECT * FROM booking_shown WHERE id = %(booking)s

-- name: bookings
-- A booking lasts a day at most, so those that reach into the time begin at most a day before it.
SELECT * FROM booking_shown
WHERE cancelled_at IS NULL AND start > %(start)s::timestamptz - interval '24 hours' AND start < %(end)s AND until > %(start)s
  AND (%(space)s::text IS NULL OR space_id = %(space)s)
ORDER BY start, until, id

-- name: own
SELECT * FROM booking_shown
WHERE owner = %(owner)s AND until > %(since)s AND (cancelled_at IS NULL OR id = %(cancelled)s)
ORDER BY start, id

-- name: in_the_way
SELECT * FROM booking_shown WHERE id IN (
    SELECT h.booking_id FROM hold h
    WHERE h.atom_id = ANY (%(atoms)s) AND h.during && tstzrange(%(start)s, %(until)s)
      AND h.booking_id IS DISTINCT FROM %(booking)s
) ORDER BY start, id

-- name: holds_near
SELECT atom_id, lower(during), upper(during) FROM hold
WHERE atom_id = ANY (%(atoms)s) AND booking_id IS DISTINCT FROM %(booking)s
  AND lower(during) > %(start)s::timestamptz - interval '28 hours' AND lower(during) < %(end)s AND upper(during) > %(start)s

-- name: vacancies
-- Spaces with enough room and a part that is free for the term, by the index of times: a hold has a longest length. What
-- ends after the start of the term and begins first is in the way, or says until when the part is free.
SELECT s.id, s.name, s.names, s.kind, s.capacity, s.opens_at, s.closes_at, s.personal, false AS archived, s.turnaround_min,
       p.part_ids, p.part_names, p.part_capacities, p.held_next
FROM space s JOIN (
    SELECT a.space_id, array_agg(a.id ORDER BY a.position) AS part_ids, array_agg(a.name ORDER BY a.position) AS part_names,
           array_agg(a.capacity ORDER BY a.position) AS part_capacities,
           array_agg(h.held_next ORDER BY a.position) AS held_next
    FROM atom a LEFT JOIN (
        SELECT atom_id, min(lower(during)) AS held_next FROM hold
        WHERE lower(during) > %(start)s::timestamptz - interval '28 hours' AND lower(during) < %(ahead)s
          AND upper(during) > %(start)s AND booking_id IS DISTINCT FROM %(booking)s
        GROUP BY atom_id
    ) h ON h.atom_id = a.id
    GROUP BY a.space_id
    HAVING bool_or(h.held_next IS NULL OR h.held_next >= %(end)s)
) p ON p.space_id = s.id
WHERE s.archived_at IS NULL AND NOT s.personal AND s.capacity >= %(people)s AND (%(kind)s::text IS NULL OR s.kind = %(kind)s)
  AND (%(space)s::text IS NULL OR s.id = %(space)s)
ORDER BY array_position(space_kinds(), s.kind), s.position, s.name, s.id

-- name: held_in_terms
-- For each of many terms, by its number from 1: the bookings that hold one of these atoms in it. The aggregates keep the inner
-- query apart: joined with the terms, it would read all holds for each of them.
SELECT t.number, h.bookings
FROM unnest(%(starts)s::timestamptz[], %(untils)s::timestamptz[]) WITH ORDINALITY t (start, until, number)
CROSS JOIN LATERAL (
    SELECT array_agg(DISTINCT booking_id) AS bookings FROM hold
    WHERE lower(during) > t.start - interval '28 hours' AND lower(during) < t.until AND upper(during) > t.start
      AND atom_id = ANY (%(atoms)s) AND booking_id IS DISTINCT FROM %(booking)s
) h
WHERE h.bookings IS NOT NULL

-- name: atoms_held_in_terms
SELECT t.number, h.atoms
FROM unnest(%(starts)s::timestamptz[], %(untils)s::timestamptz[]) WITH ORDINALITY t (start, until, number)
CROSS JOIN LATERAL (
    SELECT array_agg(DISTINCT atom_id) AS atoms FROM hold
    WHERE lower(during) > t.start - interval '28 hours' AND lower(during) < t.until AND upper(during) > t.start
      AND (%(atoms)s::int[] IS NULL OR atom_id = ANY (%(atoms)s)) AND booking_id IS DISTINCT FROM %(booking)s
) h
WHERE h.atoms IS NOT NULL

-- name: shown_many
SELECT * FROM booking_shown WHERE id = ANY (%(bookings)s) ORDER BY start, id

-- name: bookable
SELECT s.id, s.name, s.names, s.kind, s.capacity, s.opens_at, s.closes_at, s.personal, false AS archived, s.turnaround_min
FROM space s
WHERE s.archived_at IS NULL AND NOT s.personal AND (%(kind)s::text IS NULL OR s.kind = %(kind)s)
ORDER BY array_position(space_kinds(), s.kind), s.position, s.name, s.id

-- name: parts_of_all
SELECT space_id, id, name, capacity FROM atom ORDER BY space_id, position

-- name: held_until
-- Of bookings by the times of their holds: when the minutes after each end.
SELECT booking_id, max(upper(during)) FROM hold
WHERE lower(during) > %(start)s::timestamptz - interval '28 hours' AND lower(during) < %(end)s AND upper(during) > %(start)s
GROUP BY booking_id

-- name: lock_space
-- For who changes the parts: no booking of the space is under way.
SELECT id FROM space WHERE id = %(space)s AND archived_at IS NULL FOR UPDATE

-- name: has_bookings
SELECT FROM booking WHERE space_id = %(space)s AND cancelled_at IS NULL AND upper(during) > %(now)s LIMIT 1

-- name: put_part
INSERT INTO atom (space_id, position, name, capacity) VALUES (%(space)s, %(position)s, %(name)s, %(capacity)s)
ON CONFLICT ON CONSTRAINT atom_position_once DO UPDATE SET name = excluded.name, capacity = excluded.capacity

-- name: drop_parts
DELETE FROM atom WHERE space_id = %(space)s AND position > %(most)s
