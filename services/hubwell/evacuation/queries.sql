-- name: open_muster
SELECT id, kind, opened_at, report FROM muster WHERE closed_at IS NULL

-- name: announcement
SELECT kind, opened_at FROM muster WHERE closed_at IS NULL

-- name: begin
INSERT INTO muster (kind, opened_at, opened_by) VALUES (%(kind)s, %(now)s, %(by)s) RETURNING id

-- name: drill_becomes_alarm
UPDATE muster SET kind = 'alarm', report = report || '{"began_as_drill": true}'
WHERE closed_at IS NULL AND kind = 'drill' RETURNING id

-- name: note_start
UPDATE muster SET report = report || %(report)s WHERE id = %(muster)s

-- name: lock_open
-- Ticks share this lock and closing excludes them, so that no tick is lost between the count and the deletion.
SELECT kind, opened_at, report FROM muster WHERE id = %(muster)s AND closed_at IS NULL FOR SHARE

-- name: lock_to_close
SELECT kind, opened_at, report FROM muster WHERE id = %(muster)s AND closed_at IS NULL FOR UPDATE

-- name: add_people
-- All people who are inside, or were at any time since the opening. The order (of a hash) reveals nothing on a list
-- without names and differs between musters; it is the same for concurrent inserts, so that they do not deadlock.
INSERT INTO muster_person (muster_id, person_id, space_id, zone, since)
SELECT m.id, v.person_id, v.space_id, s.zone, v.since
FROM muster m
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (person_id) person_id, space_id, lower(during) AS since FROM visit
    WHERE during && tstzrange(m.opened_at, NULL) ORDER BY person_id, lower(during)
) v
JOIN space s ON s.id = v.space_id
WHERE m.id = %(muster)s AND m.closed_at IS NULL
  AND NOT EXISTS (SELECT FROM muster_person p WHERE p.muster_id = m.id AND p.person_id = v.person_id)
ORDER BY md5(m.id::text || v.person_id::text)
ON CONFLICT ON CONSTRAINT muster_person_once DO NOTHING

-- name: people
-- The list, with the last place of each person's badge. A visit that the closing time ended is no evidence.
SELECT p.id, p.space_id, s.name AS space, p.zone, p.since, p.state, p.changed_at,
       p.visitor IS NULL AND p.since >= m.opened_at AS late,
       p.visitor IS NULL AND p.person_id IS NULL AS erased,
       p.visitor IS NOT NULL AS is_visitor,
       CASE WHEN %(names)s THEN coalesce(p.visitor, who.name) END AS name,
       CASE WHEN %(names)s THEN label.label END AS label,
       last.until AS left_at,
       CASE WHEN last.space_id <> p.space_id THEN elsewhere.name END AS now_in
FROM muster_person p
JOIN muster m ON m.id = p.muster_id
JOIN space s ON s.id = p.space_id
LEFT JOIN person who ON who.id = p.person_id
LEFT JOIN LATERAL (
    SELECT c.label FROM credential c
    WHERE %(names)s AND c.person_id = p.person_id AND c.label <> '' AND c.valid @> m.opened_at
    ORDER BY c.id LIMIT 1
) label ON true
LEFT JOIN LATERAL (
    SELECT v.space_id, CASE WHEN v.ended_by IN ('tap', 'corrected') THEN upper(v.during) END AS until
    FROM visit v
    WHERE v.person_id = p.person_id AND v.during && tstzrange(p.since, NULL)
    ORDER BY lower(v.during) DESC LIMIT 1
) last ON true
LEFT JOIN space elsewhere ON elsewhere.id = last.space_id
WHERE p.muster_id = %(muster)s
ORDER BY p.zone, s.name, p.space_id, lower(CASE WHEN %(names)s THEN nullif(coalesce(p.visitor, who.name), '') END), p.id

-- name: tick
UPDATE muster_person SET state = %(state)s, changed_at = %(now)s
WHERE id = %(person)s AND muster_id = %(muster)s

-- name: mark_space_safe
UPDATE muster_person SET state = 'safe', changed_at = %(now)s
WHERE muster_id = %(muster)s AND space_id = %(space)s AND state = 'expected'

-- name: is_space
SELECT FROM space WHERE id = %(space)s

-- name: undo_space_safe
-- The time tells those that were marked together; who was changed since has another one.
UPDATE muster_person SET state = 'expected', changed_at = %(now)s
WHERE muster_id = %(muster)s AND space_id = %(space)s AND state = 'safe' AND changed_at = %(at)s

-- name: add_visitor
-- Sent again, the form of the same visitor gives the same number.
INSERT INTO muster_person (muster_id, space_id, zone, since, state, changed_at, visitor, entry_key)
SELECT %(muster)s, id, zone, %(now)s, %(state)s, CASE WHEN %(state)s <> 'expected' THEN %(now)s::timestamptz END,
       %(name)s, %(key)s
FROM space WHERE id = %(space)s AND archived_at IS NULL
ON CONFLICT ON CONSTRAINT muster_person_entered_once DO UPDATE SET entry_key = excluded.entry_key
RETURNING id

-- name: remove_visitor
DELETE FROM muster_person WHERE id = %(person)s AND muster_id = %(muster)s AND visitor IS NOT NULL

-- name: badges
SELECT space_id, count(*)::int FROM muster_person WHERE muster_id = %(muster)s GROUP BY space_id

-- name: spaces
-- With the time since when a reader there is offline or silent; it may hold taps that the server does not have yet.
-- And whether the open visits there are taken for forgotten check-outs, by the same rule as on the board.
SELECT s.id, s.name, s.zone, min(CASE WHEN h.status = 'offline' THEN d.status_at ELSE h.last_heard END),
       nobody_sensed(s.id, %(now)s::timestamptz) AND NOT EXISTS (
           SELECT FROM visit v WHERE v.space_id = s.id AND upper_inf(v.during)
               AND lower(v.during) > %(now)s::timestamptz - nobody_sensed_after()
       )
FROM space s
LEFT JOIN (device d JOIN device_heard h ON h.device_id = d.id AND (h.silent OR h.status = 'offline'))
    ON d.space_id = s.id AND jsonb_path_exists(d.meta, '$.readers[0]')
WHERE s.archived_at IS NULL OR EXISTS (SELECT FROM muster_person p WHERE p.space_id = s.id)
GROUP BY s.id ORDER BY s.zone, s.name, s.id

-- name: sensors
-- The newest value of every series of presence or headcount, read by series, independent of the history's length.
SELECT space_id, name, time, value, quality FROM series_now
WHERE space_id IS NOT NULL AND time IS NOT NULL
  AND (quantity = ANY (%(presence)s) OR name = %(headcount)s OR name LIKE '%%/' || %(headcount)s)

-- name: forget_people
DELETE FROM muster_person WHERE muster_id = %(muster)s

-- name: people_left_over
SELECT count(*) FROM muster_person WHERE muster_id = %(muster)s

-- name: close
UPDATE muster SET closed_at = %(now)s, report = %(report)s WHERE id = %(muster)s

-- name: overdue
SELECT id FROM muster
WHERE closed_at IS NULL
  AND opened_at < %(now)s - CASE kind WHEN 'drill' THEN %(drill)s::interval ELSE %(alarm)s::interval END

-- name: closed
SELECT id, kind, opened_at, closed_at, report FROM muster WHERE closed_at IS NOT NULL
ORDER BY opened_at DESC LIMIT %(most)s

-- name: one_closed
SELECT id, kind, opened_at, closed_at, report FROM muster WHERE id = %(muster)s AND closed_at IS NOT NULL

-- name: ask_for_names
INSERT INTO break_glass (muster_id, reason, requested_by, requested_at, expires_at)
SELECT id, %(reason)s, %(by)s, %(now)s, %(until)s FROM muster
WHERE id = %(muster)s AND closed_at IS NULL
RETURNING id

-- name: grant_names
UPDATE break_glass b SET approved_by = %(by)s, approved_at = %(now)s, expires_at = %(until)s
FROM muster m, account approver
WHERE b.id = %(request)s AND b.approved_at IS NULL AND b.expires_at > %(now)s
  AND m.id = b.muster_id AND m.closed_at IS NULL
  AND approver.id = %(by)s AND approver.created_at < m.opened_at
RETURNING b.muster_id, b.requested_by

-- name: in_one_hand
-- Two accounts are two persons only where neither made the other or set its password, also through accounts that it
-- made, and no program did: whoever made the program's token would have both.
WITH RECURSIVE made (account, maker) AS (
    SELECT id, hand FROM account, unnest(ARRAY[created_by, password_set_by]) AS hand WHERE hand IS NOT NULL
), chain (account, maker) AS (
    SELECT account, maker FROM made WHERE account IN (%(one)s, %(other)s)
    UNION
    SELECT c.account, m.maker FROM chain c JOIN made m ON m.account = c.maker
)
SELECT FROM chain
WHERE maker = %(program)s OR (account, maker) IN ((%(one)s, %(other)s), (%(other)s, %(one)s))

-- name: why_not_granted
SELECT FROM break_glass b, muster m, account approver
WHERE b.id = %(request)s AND b.approved_at IS NULL AND b.expires_at > %(now)s
  AND m.id = b.muster_id AND m.closed_at IS NULL AND approver.id = %(by)s

-- name: names_until
SELECT max(expires_at) FROM break_glass
WHERE muster_id = %(muster)s AND approved_at IS NOT NULL AND expires_at > %(now)s

-- name: requests
SELECT b.id, b.reason, b.requested_by, asked.name AS asked_by, b.requested_at,
       b.approved_at, given.name AS given_by, b.expires_at
FROM break_glass b
LEFT JOIN account asked ON asked.id = b.requested_by
LEFT JOIN account given ON given.id = b.approved_by
WHERE b.muster_id = %(muster)s ORDER BY b.requested_at, b.id

-- name: inside_now
-- All people with an open visit, and the enrolled people who are not inside, with their pseudonyms at readers.
SELECT p.name, label.label, v.space_id, s.zone, lower(v.during) AS since, badges.badges
FROM person p
LEFT JOIN visit v ON v.person_id = p.id AND upper_inf(v.during)
LEFT JOIN space s ON s.id = v.space_id
LEFT JOIN LATERAL (
    SELECT array_agg(encode(k.badge, 'hex') ORDER BY k.epoch DESC, k.badge) AS badges
    FROM credential c JOIN credential_pseudonym k ON k.credential_id = c.id
    WHERE c.person_id = p.id AND c.valid @> %(now)s::timestamptz AND k.epoch = ANY (%(epochs)s)
) badges ON true
LEFT JOIN LATERAL (
    SELECT c.label FROM credential c
    WHERE c.person_id = p.id AND c.label <> '' AND c.valid @> %(now)s::timestamptz ORDER BY c.id LIMIT 1
) label ON true
WHERE v.id IS NOT NULL OR p.kind = 'enrolled'
ORDER BY s.zone, v.space_id, p.name, p.id

-- name: space_names
SELECT id, name FROM space ORDER BY id

-- name: stations
SELECT id FROM device WHERE muster_station AND archived_at IS NULL ORDER BY id

-- name: move_person
UPDATE muster_person m SET person_id = %(keep)s
WHERE person_id = %(drop)s
  AND NOT EXISTS (SELECT FROM muster_person k WHERE k.muster_id = m.muster_id AND k.person_id = %(keep)s)
