-- name: lock_badges
-- One order everywhere, and badges before people before spaces: two processes cannot wait for each other. Rows, no
-- advisory locks: pg_locks shows the keys of those to every role, and a key of a badge would show each of its taps.
SELECT bucket FROM badge_lock WHERE bucket IN (
    SELECT (get_byte(badge, 0) * 256 + get_byte(badge, 1)) %% (SELECT count(*) FROM badge_lock)
    FROM unnest(%(badges)s::bytea[]) badge
) ORDER BY bucket FOR UPDATE

-- name: lock_people_of
SELECT person.id FROM person WHERE id IN (
    SELECT c.person_id FROM credential_pseudonym p JOIN credential c ON c.id = p.credential_id
    WHERE p.badge = ANY (%(badges)s)
) ORDER BY id FOR NO KEY UPDATE

-- name: lock_people
SELECT id FROM person WHERE id = ANY (%(people)s) ORDER BY id FOR NO KEY UPDATE

-- name: lock_doors
-- Where a full space turns people away, one tap after the other is counted.
SELECT id FROM space WHERE id = ANY (%(spaces)s) AND when_full = 'refuse' ORDER BY id FOR NO KEY UPDATE

-- name: recognise
-- The people stay locked, also one that a merge has just put in another's place.
SELECT p.badge, c.id, c.person_id, c.kind, lower(c.valid), upper(c.valid), person.kind = 'enrolled',
       person.language, p.proof, person.link_untold
FROM credential_pseudonym p
JOIN credential c ON c.id = p.credential_id
JOIN person ON person.id = c.person_id
WHERE p.badge = ANY (%(badges)s) FOR NO KEY UPDATE OF person

-- name: purposes
SELECT device_id, name, purpose FROM reader WHERE device_id = ANY (%(devices)s)

-- name: archived_space
SELECT FROM space WHERE id = %(space)s AND archived_at IS NOT NULL

-- name: doors
SELECT id, closes_at, capacity, when_full = 'refuse' FROM space WHERE id = ANY (%(spaces)s)

-- name: is_erased
SELECT EXISTS (
    SELECT FROM erased e, unnest(%(badges)s::bytea[]) badge
    WHERE e.until > %(now)s AND e.tag = sha256(e.salt || badge)
)

-- name: suspect
INSERT INTO suspicion (credential_id, kind, at, space_id, other_space_id)
VALUES (%(credential)s, %(kind)s, %(at)s, %(space)s, %(other)s)
ON CONFLICT ON CONSTRAINT suspicion_once DO NOTHING

-- name: no_longer_doubtful
-- A tap that came late explains what looked odd: the question is withdrawn if nobody has settled it.
WITH settled AS (
    DELETE FROM suspicion WHERE credential_id = %(credential)s AND kind = 'two-places' AND at = %(at)s
        AND settled_at IS NULL
)
UPDATE tap SET verdict = 'counts' WHERE id = %(tap)s

-- name: doubtful
UPDATE tap SET verdict = 'doubtful' WHERE id = %(tap)s

-- name: mark_copies
-- Stored taps of a signing card that a genuine message exposes: later, with the same or a lower counter.
UPDATE tap SET verdict = 'copied'
WHERE credential_id = %(credential)s AND counter <= %(counter)s AND time > %(time)s AND verdict <> 'copied'
RETURNING time, space_id

-- name: add_tap
INSERT INTO tap (person_id, space_id, time, source, intent, verdict, stream_id, seq, reader, credential_id, counter)
VALUES (%(person)s, %(space)s, %(time)s, %(source)s, %(intent)s, %(verdict)s, %(stream)s, %(seq)s,
        %(reader)s, %(credential)s, %(counter)s)
ON CONFLICT ON CONSTRAINT tap_once DO NOTHING

-- name: story
-- Begins at a tap before which the person was certainly out: walks back from the tap before a time, from tap to tap,
-- to the first one that follows a silence longer than anybody stays. Each step is one look into the index; most
-- people are out over night.
WITH RECURSIVE run AS (
    SELECT max(time) AS time FROM tap WHERE person_id = %(person)s AND time < %(time)s
    UNION ALL
    SELECT (SELECT max(tap.time) FROM tap
            WHERE person_id = %(person)s AND tap.time < run.time AND tap.time >= run.time - %(longest)s)
    FROM run WHERE run.time IS NOT NULL
), since AS (
    SELECT coalesce(min(time), %(time)s) AS time FROM run
)
SELECT t.id, t.verdict, t.credential_id, s.closes_at, t.time, t.space_id, t.intent, t.source, NULL AS until,
       t.stream_id, t.seq
FROM since, tap t JOIN space s ON s.id = t.space_id
WHERE t.person_id = %(person)s AND t.time >= since.time
UNION ALL
SELECT v.id, 'visit', NULL, NULL, lower(v.during), v.space_id, v.ended_by, NULL, upper(v.during), NULL, NULL
FROM since, visit v WHERE v.person_id = %(person)s AND v.during && tstzrange(since.time, NULL)
UNION ALL
SELECT 0, 'since', NULL, NULL, since.time, NULL, NULL, NULL, NULL, NULL, NULL FROM since

-- name: first_tap
SELECT min(time) FROM tap WHERE person_id = %(person)s

-- name: delete_visits
DELETE FROM visit WHERE id = ANY (%(ids)s)

-- name: add_visit
INSERT INTO visit (person_id, space_id, during, ended_by)
VALUES (%(person)s, %(space)s, tstzrange(%(start)s, %(end)s), %(ended_by)s)

-- name: end_visit
UPDATE visit SET during = tstzrange(lower(during), %(end)s), ended_by = %(ended_by)s WHERE id = %(id)s

-- name: open_spaces
SELECT DISTINCT space_id FROM visit WHERE person_id = %(person)s AND upper_inf(during) ORDER BY space_id

-- name: others_inside
-- Without forgotten check-outs, which would turn people away from an empty space.
SELECT count(*) FROM visit v WHERE v.space_id = %(space)s AND upper_inf(v.during)
    AND lower(v.during) > %(now)s - %(longest)s AND v.person_id <> %(person)s
    AND (lower(v.during) > %(now)s - nobody_sensed_after()
         OR NOT (SELECT nobody_sensed(%(space)s::text, %(now)s::timestamptz)))

-- name: open_visits
SELECT v.id, v.space_id, lower(v.during) AS start, s.closes_at
FROM visit v JOIN space s ON s.id = v.space_id WHERE upper_inf(v.during) FOR UPDATE OF v

-- name: visit
SELECT v.space_id, lower(v.during) AS start, upper(v.during) AS end, v.ended_by,
       EXISTS (SELECT FROM tap t WHERE t.person_id = v.person_id AND t.space_id = v.space_id
               AND t.time = lower(v.during)) AS has_taps,
       (SELECT min(lower(n.during)) FROM visit n
        WHERE n.person_id = v.person_id AND lower(n.during) > lower(v.during)) AS next_start,
       (SELECT b.space_id FROM visit b WHERE b.person_id = v.person_id AND upper(b.during) = lower(v.during)
          AND b.ended_by = 'moved') AS came_from
FROM visit v WHERE v.id = %(visit)s AND v.person_id = %(person)s

-- name: delete_taps
-- The taps at one space within a time, both ends included, and those of the gesture that ended a visit.
WITH RECURSIVE gesture AS (
    SELECT %(ended)s::timestamptz AS time
    UNION
    SELECT t.time FROM gesture g JOIN tap t ON t.person_id = %(person)s AND t.space_id = %(space)s
        AND t.source = 'reader' AND t.time > g.time AND t.time < g.time + %(debounce)s
)
DELETE FROM tap WHERE person_id = %(person)s AND space_id = %(space)s AND time >= %(first)s
    AND time <= greatest(%(last)s, (SELECT max(time) FROM gesture))

-- name: doors_of
SELECT s.device_id, s.boot, n.seq
FROM unnest(%(streams)s::int[], %(seqs)s::bigint[]) AS n (stream_id, seq) JOIN stream s ON s.id = n.stream_id

-- name: doors_left_at_closing
-- The doors by which people came whose visits the clock ended, and who are not there again.
SELECT t.stream_id, t.seq
FROM visit v JOIN tap t ON t.person_id = v.person_id AND t.time = lower(v.during) AND t.space_id = v.space_id
WHERE t.time > %(since)s AND t.time <= %(until)s AND v.ended_by = 'inferred' AND t.stream_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM visit later WHERE later.person_id = v.person_id AND later.space_id = v.space_id
                    AND upper_inf(later.during))

-- name: move_visits
-- Taps are kept for days and visits for longer: older visits move as they are. Where both were somewhere at one
-- time only one of the two can be right; the kept person's stays, and what taps still tell is folded anew.
UPDATE visit v SET person_id = %(keep)s
WHERE person_id = %(drop)s
  AND NOT EXISTS (SELECT FROM visit k WHERE k.person_id = %(keep)s AND k.during && v.during)

-- name: move_taps
UPDATE tap SET person_id = %(keep)s WHERE person_id = %(drop)s

-- name: open_suspicions
-- Without the places: for the question that staff ask, they do not matter.
SELECT s.id, s.kind, s.at, c.id AS credential_id, c.kind AS credential_kind, c.label, c.revoked_why,
       p.id AS person_id, p.name
FROM suspicion s JOIN credential c ON c.id = s.credential_id JOIN person p ON p.id = c.person_id
WHERE s.settled_at IS NULL AND p.kind = 'enrolled' ORDER BY s.at DESC, s.id DESC LIMIT 50

-- name: settle
UPDATE suspicion SET settled_at = %(now)s WHERE id = %(id)s AND settled_at IS NULL RETURNING credential_id

-- name: visit_of_tap
-- The visit that an anonymous person's tap began or ended, or that was open then; the newest where it moved.
SELECT v.space_id, lower(v.during), upper(v.during)
FROM tap t
JOIN stream s ON s.id = t.stream_id
JOIN person p ON p.id = t.person_id AND p.kind = 'counted'
JOIN visit v ON v.person_id = t.person_id AND lower(v.during) <= t.time
    AND (upper_inf(v.during) OR upper(v.during) >= t.time)
WHERE s.device_id = %(device)s AND s.boot = %(boot)s AND t.seq = %(seq)s
ORDER BY lower(v.during) DESC LIMIT 1

-- name: count_anonymous
-- Anonymous people who are in a space by a tap at one of these devices.
SELECT count(*) FROM visit v
JOIN person p ON p.id = v.person_id AND p.kind = 'counted'
WHERE v.space_id = %(space)s AND upper_inf(v.during) AND EXISTS (
    SELECT FROM tap t JOIN stream s ON s.id = t.stream_id
    WHERE t.person_id = v.person_id AND t.time = lower(v.during) AND s.device_id = ANY (%(devices)s)
)
