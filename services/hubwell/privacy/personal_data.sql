-- name: person
SELECT id, kind, name, language, shown_on_site, shown_as, created_at FROM person WHERE id = %(person)s

-- name: visits
SELECT v.id, v.space_id, s.name AS space, lower(v.during) AS start, upper(v.during) AS "end", v.ended_by
FROM visit v JOIN space s ON s.id = v.space_id
WHERE v.person_id = %(person)s ORDER BY lower(v.during) DESC

-- name: visit
SELECT v.id, v.space_id, s.name AS space, lower(v.during) AS start, upper(v.during) AS "end", v.ended_by
FROM visit v JOIN space s ON s.id = v.space_id
WHERE v.person_id = %(person)s AND v.id = %(visit)s

-- name: credentials
SELECT id, kind, label, lower(valid) AS since, upper(valid) AS until, revoked_why
FROM credential WHERE person_id = %(person)s ORDER BY lower(valid), id

-- name: taps
SELECT t.time, t.space_id, s.name AS space, t.source, t.intent, t.verdict
FROM tap t JOIN space s ON s.id = t.space_id WHERE t.person_id = %(person)s ORDER BY t.time

-- name: sessions
-- Sessions on whose roll the person is now.
SELECT c.title, c.purpose, s.name AS space, lower(c.during) AS start, upper(c.during) AS "end", c.roll_until
FROM course_session c JOIN space s ON s.id = c.space_id
WHERE c.roll_until > %(now)s AND EXISTS (
    SELECT FROM visit v WHERE v.person_id = %(person)s AND v.space_id = c.space_id AND v.during && c.during
) ORDER BY lower(c.during)

-- name: bookings
SELECT b.space, b.start, b.until AS "end", b.title, b.walk_in, b.cancelled_at FROM booking_shown b
WHERE b.owner = ANY (
    SELECT 'person:' || %(person)s::text UNION ALL SELECT 'account:' || a.id FROM account a WHERE a.person_id = %(person)s
) ORDER BY b.start DESC

-- name: questions
SELECT q.kind, q.at, s.name AS space, o.name AS other_space, q.settled_at
FROM suspicion q JOIN credential c ON c.id = q.credential_id
LEFT JOIN space s ON s.id = q.space_id LEFT JOIN space o ON o.id = q.other_space_id
WHERE c.person_id = %(person)s ORDER BY q.at

-- name: musters
SELECT m.kind, m.opened_at, s.name AS space, l.since, l.state
FROM muster_person l JOIN muster m ON m.id = l.muster_id JOIN space s ON s.id = l.space_id
WHERE l.person_id = %(person)s ORDER BY m.opened_at

-- name: has_account
SELECT EXISTS (SELECT FROM account WHERE person_id = %(person)s)

-- name: visits_of_badge
SELECT v.id FROM visit v JOIN tap t ON t.person_id = v.person_id AND t.space_id = v.space_id
    AND t.time = lower(v.during)
WHERE t.credential_id = %(credential)s
