-- name: lock_person
-- Whoever stores a tap or a visit of this person waits until the transaction ends, and then finds nobody.
SELECT id FROM person WHERE id = %(person)s FOR UPDATE

-- name: pseudonyms
SELECT p.badge FROM credential_pseudonym p JOIN credential c ON c.id = p.credential_id
WHERE c.person_id = %(person)s

-- name: has_signing_card
SELECT EXISTS (SELECT FROM credential WHERE person_id = %(person)s AND kind = 'sun')

-- name: holdings
-- What is there of the person, class by class: what the receipt lists and the deletion is counted by.
SELECT 'person', count(*) FROM person WHERE id = %(person)s
UNION ALL SELECT 'credential', count(*) FROM credential WHERE person_id = %(person)s
UNION ALL SELECT 'pseudonym', count(*) FROM credential_pseudonym p JOIN credential c ON c.id = p.credential_id
    WHERE c.person_id = %(person)s
UNION ALL SELECT 'tap', count(*) FROM tap WHERE person_id = %(person)s
UNION ALL SELECT 'visit', count(*) FROM visit WHERE person_id = %(person)s
UNION ALL SELECT 'suspicion', count(*) FROM suspicion s JOIN credential c ON c.id = s.credential_id
    WHERE c.person_id = %(person)s
UNION ALL SELECT 'code', count(*) FROM visit_code WHERE person_id = %(person)s
UNION ALL SELECT 'sign-in', count(*) FROM sign_in WHERE person_id = %(person)s
UNION ALL SELECT 'muster-list', count(*) FROM muster_person WHERE person_id = %(person)s

-- name: open_spaces
SELECT DISTINCT space_id FROM visit WHERE person_id = %(person)s AND upper_inf(during)

-- name: bury
-- A late message of the badge is recognised by whoever holds it, and by nobody from this row.
INSERT INTO erased (salt, tag, until) VALUES (%(salt)s, %(tag)s, %(until)s)

-- name: delete_desk_taps
DELETE FROM desk_tap WHERE badge = ANY (%(badges)s)

-- name: empty_payloads
-- Messages that were set aside keep their place and their reason, and lose what may be the person's. Where a card
-- hides its number nobody can tell whose message it is: then all of that kind are emptied.
UPDATE rejected SET payload = ''
WHERE octet_length(payload) > 0
  AND (EXISTS (SELECT FROM unnest(%(texts)s::bytea[]) text WHERE position(text IN payload) > 0)
       OR (%(signing)s AND position('"sun"'::bytea IN payload) > 0))

-- name: delete_accounts
DELETE FROM account WHERE person_id = %(person)s

-- name: delete_person
DELETE FROM person WHERE id = %(person)s

-- name: left_over
-- Everything that could hold the person, whatever its constraints promise: `tests/services/privacy` fails for a
-- column that is neither here nor known to hold no people. 0 is the proof.
SELECT 'person', count(*) FROM person WHERE id = %(person)s
UNION ALL SELECT 'credential', count(*) FROM credential WHERE person_id = %(person)s
UNION ALL SELECT 'pseudonym', count(*) FROM credential_pseudonym WHERE badge = ANY (%(badges)s)
UNION ALL SELECT 'tap', count(*) FROM tap WHERE person_id = %(person)s
UNION ALL SELECT 'visit', count(*) FROM visit WHERE person_id = %(person)s
UNION ALL SELECT 'code', count(*) FROM visit_code WHERE person_id = %(person)s
UNION ALL SELECT 'sign-in', count(*) FROM sign_in WHERE person_id = %(person)s
UNION ALL SELECT 'account', count(*) FROM account WHERE person_id = %(person)s
UNION ALL SELECT 'muster-list', count(*) FROM muster_person WHERE person_id = %(person)s
UNION ALL SELECT 'muster-report', count(*) FROM muster
    WHERE EXISTS (SELECT FROM unnest(%(words)s::text[]) word WHERE position(word IN report::text) > 0)
UNION ALL SELECT 'desk-tap', count(*) FROM desk_tap WHERE badge = ANY (%(badges)s)
UNION ALL SELECT 'rejected', count(*) FROM rejected
    WHERE EXISTS (SELECT FROM unnest(%(texts)s::bytea[]) text WHERE position(text IN payload) > 0)
       OR EXISTS (SELECT FROM unnest(%(words)s::text[]) word WHERE position(word IN reason) > 0)
UNION ALL SELECT 'event', count(*) FROM event
    WHERE EXISTS (SELECT FROM unnest(%(words)s::text[]) word WHERE position(word IN payload::text) > 0)
UNION ALL SELECT 'delivery', count(*) FROM delivery
    WHERE EXISTS (SELECT FROM unnest(%(words)s::text[]) word WHERE position(word IN last_error) > 0)
UNION ALL SELECT 'queue', count(*) FROM procrastinate_jobs
    WHERE EXISTS (SELECT FROM unnest(%(words)s::text[]) word WHERE position(word IN args::text) > 0)

-- name: prove
INSERT INTO deletion (class, why, rows, left_over, ran_at)
VALUES (%(class)s, %(why)s, %(rows)s, %(left_over)s, %(at)s) RETURNING id

-- name: announce
SELECT pg_notify('hubwell_change', %(spaces)s), pg_notify('hubwell_roster', ''), pg_notify('hubwell_forget', '')
