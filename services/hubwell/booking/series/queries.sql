-- Series of bookings. Times are passed in. Locks are taken in this order: the space (shared), the series, its bookings by
-- id, the atoms by id (where dates are moved), the holds by atom and time.

-- name: add
INSERT INTO booking_series (space_id, atoms, rule, zone, first_at, last_at, lasts, clock_change, title, shows_title, people,
                            owner, created_at, request_key, request_hash)
VALUES (%(space)s, %(atoms)s, %(rule)s, %(zone)s, %(first_at)s, %(last_at)s, %(lasts)s, %(clock_change)s, %(title)s,
        %(shows_title)s, %(people)s, %(owner)s, %(now)s, %(key)s, %(hash)s)
ON CONFLICT ON CONSTRAINT series_request_once DO NOTHING RETURNING id

-- name: request
SELECT id, request_hash FROM booking_series WHERE owner = %(owner)s AND request_key = %(key)s

-- name: add_dates
INSERT INTO booking (space_id, atoms, during, title, shows_title, people, owner, created_at, changed_at, series_id, series_at,
                     release_at)
SELECT %(space)s, %(atoms)s, tstzrange(d.start, d.until), %(title)s, %(shows_title)s, %(people)s, %(owner)s, %(now)s, %(now)s,
       %(series)s, d.at, release_time(%(space)s::hub_id, d.start, d.until)
FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[], %(dates)s::timestamp[]) AS d (start, until, at)
RETURNING id

-- name: hold_dates
-- By atom and time, so that series that want the same wait for each other and not in a circle. Fewer rows than atoms of all
-- dates: others hold the rest.
INSERT INTO hold (booking_id, atom_id, during)
SELECT b.id, a.id, tstzrange(lower(b.during), upper(b.during) + make_interval(mins => s.turnaround_min))
FROM booking b JOIN space s ON s.id = b.space_id JOIN atom a ON a.id = ANY (b.atoms)
WHERE b.id = ANY (%(bookings)s)
ORDER BY a.id, lower(b.during)
ON CONFLICT ON CONSTRAINT hold_one_at_a_time DO NOTHING RETURNING booking_id

-- name: free_dates
DELETE FROM hold WHERE booking_id = ANY (%(bookings)s)

-- name: lock_atoms_of_dates
-- As for a booking that is moved: what is freed and what is taken would make movers wait in a circle.
SELECT id FROM atom WHERE id = ANY (%(atoms)s) ORDER BY id FOR NO KEY UPDATE

-- name: remember_skips
INSERT INTO series_skip (series_id, at, why)
SELECT %(series)s, d.at, d.why FROM unnest(%(dates)s::timestamp[], %(reasons)s::text[]) AS d (at, why)

-- name: lock_series
SELECT id FROM booking_series WHERE id = %(series)s FOR NO KEY UPDATE

-- name: lock_dates
SELECT id FROM booking WHERE series_id = %(series)s ORDER BY id FOR NO KEY UPDATE

-- name: series
SELECT s.id, s.space_id, p.name AS space, p.names AS space_names, s.atoms AS parts, s.rule, s.zone, s.first_at, s.last_at,
       s.lasts, s.clock_change, s.title, s.shows_title, s.people, s.owner, s.version, s.created_at, s.cancelled_at,
       s.cancelled_from, coalesce(nullif(a.name, ''), a.login, '') AS owner_name
FROM booking_series s JOIN space p ON p.id = s.space_id LEFT JOIN account a ON 'account:' || a.id = s.owner
WHERE s.id = %(series)s

-- name: dates
SELECT * FROM booking_shown WHERE series_id = %(series)s ORDER BY series_at

-- name: skips
SELECT at, why FROM series_skip WHERE series_id = %(series)s ORDER BY at

-- name: ways
-- Which bookings are in the way of which dates.
SELECT DISTINCT d.at, h.booking_id
FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[], %(dates)s::timestamp[]) AS d (start, until, at)
JOIN hold h ON h.atom_id = ANY (%(atoms)s) AND h.during && tstzrange(d.start, d.until)
WHERE h.booking_id <> ALL (%(besides)s)

-- name: bookings_by_id
SELECT * FROM booking_shown WHERE id = ANY (%(bookings)s) ORDER BY start, id

-- name: change_series
UPDATE booking_series SET space_id = %(space)s, atoms = %(atoms)s, lasts = %(lasts)s, title = %(title)s,
    shows_title = %(shows_title)s, people = %(people)s, first_at = first_at + %(later)s, last_at = last_at + %(later)s,
    cancelled_from = cancelled_from + %(later)s, version = version + 1
WHERE id = %(series)s

-- name: split
-- The rest of a series becomes a series of its own, with the same rule.
INSERT INTO booking_series (space_id, atoms, rule, zone, first_at, last_at, lasts, clock_change, title, shows_title, people,
                            owner, created_at, cancelled_at, cancelled_from)
SELECT space_id, atoms, rule, zone, %(date)s, last_at, lasts, clock_change, title, shows_title, people, owner, %(now)s,
       CASE WHEN cancelled_from >= %(date)s THEN cancelled_at END, CASE WHEN cancelled_from >= %(date)s THEN cancelled_from END
FROM booking_series WHERE id = %(series)s RETURNING id

-- name: end_before
UPDATE booking_series SET last_at = %(last)s, version = version + 1,
    cancelled_at = CASE WHEN cancelled_from < %(date)s THEN cancelled_at END,
    cancelled_from = CASE WHEN cancelled_from < %(date)s THEN cancelled_from END
WHERE id = %(series)s

-- name: hand_over_dates
UPDATE booking SET series_id = %(to)s WHERE series_id = %(series)s AND series_at >= %(date)s

-- name: hand_over_skips
UPDATE series_skip SET series_id = %(to)s WHERE series_id = %(series)s AND at >= %(date)s

-- name: stay_behind
-- Dates that a change of their series leaves as they are: those that are named, and those cancelled alone.
UPDATE booking SET series_exception = true
WHERE series_id = %(series)s AND upper(during) > %(now)s AND (id = ANY (%(bookings)s) OR cancelled_at IS NOT NULL)

-- name: shift_keys
-- Original starts follow the time of the day of their series, from a date on, exceptions too. They move by less than a
-- day and are whole days apart, so none meets another.
UPDATE booking SET series_at = series_at + %(later)s WHERE series_id = %(series)s AND series_at >= %(date)s

-- name: shift_skips
UPDATE series_skip SET at = at + %(later)s WHERE series_id = %(series)s AND at >= %(date)s

-- name: change_dates
-- A release stays as its owner read it, unless the date begins at another time or elsewhere.
UPDATE booking b SET
    release_at = CASE WHEN b.space_id = %(space)s::hub_id AND lower(b.during) = d.start THEN b.release_at
                      ELSE release_time(%(space)s::hub_id, d.start, d.until) END,
    judged_at = CASE WHEN b.space_id = %(space)s::hub_id AND lower(b.during) = d.start THEN b.judged_at END,
    space_id = %(space)s, atoms = %(atoms)s, during = tstzrange(d.start, d.until), title = %(title)s,
    shows_title = %(shows_title)s, people = %(people)s, changed_at = %(now)s, version = version + 1
FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[], %(bookings)s::uuid[]) AS d (start, until, id)
WHERE b.id = d.id

-- name: cancel_dates
UPDATE booking SET cancelled_at = %(now)s, changed_at = %(now)s, version = version + 1
WHERE series_id = %(series)s AND series_at >= %(date)s AND cancelled_at IS NULL AND upper(during) > %(now)s
RETURNING id

-- name: cancel_series
UPDATE booking_series SET cancelled_at = %(now)s, cancelled_from = %(date)s, version = version + 1 WHERE id = %(series)s

-- name: restore_dates
UPDATE booking SET cancelled_at = NULL, judged_at = CASE WHEN release_at <= %(now)s THEN %(now)s ELSE judged_at END,
    changed_at = %(now)s, version = version + 1
WHERE id = ANY (%(bookings)s)

-- name: restore_series
UPDATE booking_series SET cancelled_at = NULL, cancelled_from = NULL, version = version + 1 WHERE id = %(series)s

-- name: take_skip
DELETE FROM series_skip WHERE series_id = %(series)s AND at = %(date)s RETURNING at

-- name: touch_series
UPDATE booking_series SET version = version + 1 WHERE id = %(series)s

-- name: forget_owner
UPDATE booking_series SET owner = '', title = '', shows_title = false, request_key = NULL, request_hash = NULL,
    version = version + 1
WHERE owner = %(owner)s
