-- name: desk_taps
-- Recent taps at a desk's reader, each with the credential and person of its badge, if enrolled.
SELECT t.id, t.device_id AS device, d.name AS device_name, t.reader, t.badge, t.epoch, t.kind, t.tapped_at, t.proof,
       c.id AS credential_id, c.label, c.revoked_why, p.id AS person_id, p.name
FROM desk_tap t
JOIN device d ON d.id = t.device_id
LEFT JOIN credential_pseudonym cp ON cp.badge = t.badge
LEFT JOIN credential c ON c.id = cp.credential_id
     AND EXISTS (SELECT FROM person e WHERE e.id = c.person_id AND e.kind = 'enrolled')
LEFT JOIN person p ON p.id = c.person_id
WHERE t.tapped_at > %(since)s AND (%(id)s::bigint IS NULL OR t.id = %(id)s)
ORDER BY t.tapped_at DESC, t.id DESC LIMIT 10

-- name: delete_desk_taps_of_badge
DELETE FROM desk_tap WHERE badge = %(badge)s

-- name: add_person
INSERT INTO person (kind, name, language, created_at)
VALUES ('enrolled', %(name)s, %(language)s, %(now)s) RETURNING id

-- name: person
SELECT id, name, language, shown_on_site, shown_as, created_at FROM person
WHERE id = %(person)s AND kind = 'enrolled'

-- name: lock_persons
SELECT id, name FROM person WHERE id = ANY (%(persons)s) AND kind = 'enrolled' ORDER BY id FOR UPDATE

-- name: lock_to_erase
SELECT id FROM person WHERE id = %(person)s FOR UPDATE

-- name: held
SELECT c.id, c.kind, ARRAY(SELECT cp.badge FROM credential_pseudonym cp WHERE cp.credential_id = c.id)
FROM credential c WHERE c.person_id = %(person)s

-- name: find_persons
-- By any part of the name; names that begin with the text come first.
SELECT id, name, language,
       (SELECT count(*) FROM credential c WHERE c.person_id = p.id AND upper_inf(c.valid)) AS credentials
FROM person p
WHERE kind = 'enrolled' AND name ILIKE %(part)s
ORDER BY name NOT ILIKE %(start)s, lower(name), id LIMIT %(most)s

-- name: change_person
UPDATE person SET name = %(name)s, language = %(language)s,
       shown_on_site = shown_on_site AND %(name)s <> ''
WHERE id = %(person)s AND kind = 'enrolled'
RETURNING id

-- name: credentials_of
SELECT id, kind, label, lower(valid) AS since, upper(valid) AS until, revoked_why FROM credential
WHERE person_id = %(person)s ORDER BY upper_inf(valid) DESC, lower(valid) DESC, id DESC

-- name: release_counted
-- Releases a badge from its anonymous (counted) person. The anonymous visits stay, without a link to the new person.
DELETE FROM credential c USING credential_pseudonym cp, person p
WHERE cp.badge = %(badge)s AND c.id = cp.credential_id AND p.id = c.person_id AND p.kind = 'counted'
RETURNING c.person_id

-- name: add_credential
INSERT INTO credential (person_id, kind, label, valid)
SELECT id, %(kind)s, %(label)s, tstzrange(%(now)s, NULL) FROM person
WHERE id = %(person)s AND kind = 'enrolled' RETURNING id

-- name: add_pseudonym
-- ON CONFLICT and not an error, because the database would log the pseudonym with the error.
INSERT INTO credential_pseudonym (badge, credential_id, epoch, proof)
VALUES (%(badge)s, %(credential)s, %(epoch)s, %(proof)s)
ON CONFLICT ON CONSTRAINT credential_enrolled_once DO NOTHING RETURNING badge

-- name: credential
SELECT c.id, c.person_id, c.kind, c.label, lower(c.valid) AS since, upper(c.valid) AS until, c.revoked_why
FROM credential c JOIN person p ON p.id = c.person_id WHERE c.id = %(credential)s AND p.kind = 'enrolled'

-- name: revoke
UPDATE credential SET valid = tstzrange(lower(valid), greatest(%(now)s, lower(valid) + interval '1 millisecond')),
       revoked_why = %(why)s
WHERE id = %(credential)s AND upper_inf(valid)
  AND EXISTS (SELECT FROM person p WHERE p.id = person_id AND p.kind = 'enrolled')
RETURNING person_id

-- name: lock_in_use
-- All valid credentials of the person who has this one; in one order, so that two desks do not deadlock.
SELECT c.id FROM credential c JOIN credential held ON held.person_id = c.person_id
WHERE held.id = %(credential)s AND upper_inf(c.valid) ORDER BY c.id FOR UPDATE OF c

-- name: restore
UPDATE credential SET valid = tstzrange(lower(valid), NULL), revoked_why = NULL
WHERE id = %(credential)s AND NOT upper_inf(valid)
  AND EXISTS (SELECT FROM person p WHERE p.id = person_id AND p.kind = 'enrolled')
RETURNING person_id

-- name: set_label
UPDATE credential SET label = %(label)s
WHERE id = %(credential)s AND EXISTS (SELECT FROM person p WHERE p.id = person_id AND p.kind = 'enrolled')
RETURNING person_id

-- name: take_back
-- Undo a recent enrolment. The person is deleted too if this enrolment created them and nothing was added since.
WITH gone AS (
    DELETE FROM credential WHERE id = %(credential)s AND lower(valid) > %(since)s RETURNING id, person_id, lower(valid) AS made
), person_gone AS (
    DELETE FROM person p USING gone
    WHERE p.id = gone.person_id AND p.created_at = gone.made
      AND NOT EXISTS (SELECT FROM credential c WHERE c.person_id = p.id AND c.id <> gone.id)
      AND NOT EXISTS (SELECT FROM tap t WHERE t.person_id = p.id)
    RETURNING p.id
)
SELECT gone.person_id, EXISTS (SELECT FROM person_gone) AS person_gone FROM gone

-- name: move_credentials
UPDATE credential SET person_id = %(keep)s WHERE person_id = %(drop)s

-- name: complete_kept
-- Known since the older of the two entries was made: a badge of the newer one opens its own visits only, at first.
UPDATE person k SET created_at = least(k.created_at, d.created_at),
       name = CASE WHEN k.name = '' THEN d.name ELSE k.name END,
       language = coalesce(k.language, d.language)
FROM person d WHERE k.id = %(keep)s AND d.id = %(drop)s

-- name: delete_person
DELETE FROM person WHERE id = %(drop)s

-- name: spaces
-- For sessions neither rooms of one person nor places to rest.
SELECT id, name, zone FROM space
WHERE archived_at IS NULL AND (NOT %(for_sessions)s OR NOT personal AND kind <> %(relaxation)s) ORDER BY name, id

-- name: on_site
-- People who chose to be shown, while they are checked in; without their space.
SELECT p.name, p.shown_as FROM person p
WHERE p.shown_on_site AND p.kind = 'enrolled'
  AND EXISTS (SELECT FROM visit v WHERE v.person_id = p.id AND upper_inf(v.during) AND lower(v.during) <= %(now)s)
ORDER BY p.shown_as DESC, lower(p.name), p.id

-- name: add_session
INSERT INTO course_session (title, purpose, space_id, during, owner_id, roll_until)
SELECT %(title)s, %(purpose)s, id, tstzrange(%(start)s, %(end)s), %(owner)s, %(until)s FROM space
WHERE id = %(space)s AND NOT personal AND archived_at IS NULL AND kind <> %(relaxation)s RETURNING id

-- name: is_relaxation
SELECT FROM space WHERE id = %(space)s AND kind = %(relaxation)s

-- name: lock_owner
-- Serialises the additions of one owner, so that two sessions cannot overlap.
SELECT pg_advisory_xact_lock(lock_key('sessions ' || %(owner)s::text))

-- name: overlapping_session
SELECT title FROM course_session
WHERE owner_id = %(owner)s AND during && tstzrange(%(start)s, %(end)s) LIMIT 1

-- name: sessions_of
SELECT s.id, s.title, s.purpose, p.name AS space, lower(s.during) AS start, upper(s.during) AS end, s.roll_until,
       s.series_id
FROM course_session s JOIN space p ON p.id = s.space_id
WHERE s.owner_id = %(owner)s AND s.roll_until > %(now)s ORDER BY lower(s.during) DESC, s.id LIMIT 2000

-- name: sessions_to_come
SELECT count(*) FROM course_session WHERE space_id = %(space)s AND upper(during) > %(now)s

-- name: session
SELECT s.id, s.title, s.purpose, s.space_id, p.name AS space, lower(s.during) AS start, upper(s.during) AS end,
       s.roll_until, p.kind = %(relaxation)s AS without_roll, s.series_id
FROM course_session s JOIN space p ON p.id = s.space_id
WHERE s.id = %(session)s AND s.owner_id = %(owner)s AND s.roll_until > %(now)s

-- name: roll
-- People who were in the session's space during it, each once.
SELECT p.name FROM person p
WHERE EXISTS (
    SELECT FROM visit v WHERE v.person_id = p.id AND v.space_id = %(space)s
       AND v.during && tstzrange(%(start)s, %(end)s)
)
ORDER BY p.name = '', lower(p.name), p.id

-- name: delete_session
DELETE FROM course_session WHERE id = %(session)s AND owner_id = %(owner)s RETURNING id

-- name: epochs
-- For each epoch: valid credentials with a pseudonym of it, and how many of those have no newer one.
SELECT cp.epoch, count(*) AS credentials,
       count(*) FILTER (WHERE NOT EXISTS (
           SELECT FROM credential_pseudonym n WHERE n.credential_id = cp.credential_id AND n.epoch > cp.epoch
       )) AS only_until_here
FROM credential_pseudonym cp JOIN credential c ON c.id = cp.credential_id JOIN person p ON p.id = c.person_id
WHERE upper_inf(c.valid) AND p.kind = 'enrolled'
GROUP BY cp.epoch ORDER BY cp.epoch DESC

-- name: forget_epoch
WITH gone AS (DELETE FROM credential_pseudonym WHERE epoch = %(epoch)s RETURNING badge)
SELECT count(*) FROM gone

-- name: forget_desk_taps_of_epoch
DELETE FROM desk_tap WHERE epoch = %(epoch)s

-- name: delete_unreachable
-- Credentials without a pseudonym, which no reader can recognise any more.
WITH gone AS (
    DELETE FROM credential c WHERE NOT EXISTS (SELECT FROM credential_pseudonym cp WHERE cp.credential_id = c.id)
    RETURNING c.person_id, upper_inf(c.valid) AS in_use
)
SELECT count(*) AS credentials,
       count(*) FILTER (WHERE in_use AND EXISTS (SELECT FROM person p WHERE p.id = gone.person_id AND p.kind = 'enrolled'))
           AS to_enrol_again
FROM gone

-- name: rows_of_epoch
SELECT count(*) FROM credential_pseudonym WHERE epoch = %(epoch)s

-- name: put_reader
INSERT INTO reader (device_id, name, purpose) VALUES (%(device)s, %(name)s, %(purpose)s)
ON CONFLICT ON CONSTRAINT reader_once DO UPDATE SET purpose = excluded.purpose

-- name: readers
SELECT r.device_id AS device, r.name AS reader, r.purpose FROM reader r ORDER BY 1, 2

-- name: open_space
-- The space that a person is checked in to.
SELECT space_id FROM visit WHERE person_id = %(person)s AND upper_inf(during) ORDER BY lower(during) DESC LIMIT 1

-- name: set_language
UPDATE person SET language = %(language)s WHERE id = %(person)s

-- name: set_link_untold
UPDATE person SET link_untold = %(untold)s WHERE id = %(person)s

-- name: set_shown
-- Only a mentor or ambassador with a name can be shown.
UPDATE person SET shown_on_site = %(shown)s AND name <> '' AND shown_as <> ''
WHERE id = %(person)s AND kind = 'enrolled'

-- name: set_shown_as
UPDATE person SET shown_as = %(shown_as)s, shown_on_site = shown_on_site AND %(shown_as)s <> ''
WHERE id = %(person)s AND kind = 'enrolled'

-- name: link_pseudonym
-- A tap in a new epoch carries the badge's older pseudonym too, by which the caller found the credential.
INSERT INTO credential_pseudonym (badge, credential_id, epoch)
VALUES (%(badge)s, %(credential)s, %(epoch)s) ON CONFLICT DO NOTHING RETURNING badge

-- name: add_counted
WITH newcomer AS (
    INSERT INTO person (kind) VALUES ('counted') RETURNING id
), held AS (
    INSERT INTO credential (person_id, kind, valid) SELECT id, 'badge', tstzrange(NULL, NULL) FROM newcomer
    RETURNING id, person_id
), known AS (
    INSERT INTO credential_pseudonym (badge, credential_id, epoch)
    SELECT %(badge)s, id, %(epoch)s FROM held
)
SELECT id, person_id FROM held

-- name: note_signed_message
-- A copy is no new evidence: whatever it would prove, the presentation that exposes it proves too.
INSERT INTO signed_message (credential_id, counter, seen_at)
SELECT %(credential)s, %(counter)s, %(time)s WHERE NOT EXISTS (
    SELECT FROM signed_message m
    WHERE m.credential_id = %(credential)s AND m.counter >= %(counter)s AND m.seen_at < %(time)s
)
ON CONFLICT ON CONSTRAINT signed_message_once
DO UPDATE SET seen_at = least(signed_message.seen_at, excluded.seen_at)
RETURNING credential_id

-- name: keep_counters_of_desk
-- What a card signed at the desk before its enrolment is evidence against copies of it.
INSERT INTO signed_message (credential_id, counter, seen_at)
SELECT %(credential)s, counter, min(tapped_at) FROM desk_tap WHERE badge = %(badge)s AND counter IS NOT NULL
GROUP BY counter

-- name: add_desk_tap
INSERT INTO desk_tap (device_id, reader, badge, epoch, kind, tapped_at, counter, proof)
VALUES (%(device)s, %(reader)s, %(badge)s, %(epoch)s, %(kind)s, %(time)s, %(counter)s, %(proof)s) RETURNING id

-- name: learn_proof
-- The first one stays: a later device cannot replace it.
UPDATE credential_pseudonym SET proof = %(proof)s WHERE badge = %(badge)s AND proof IS NULL
