-- The rows of this package's tables that hold personal data; see people/erasure.sql.

-- name: muster_person
FROM muster_person WHERE person_id = %(person)s

-- name: anonymise_muster_person
-- The row stays while the muster is open: the person may still be inside.
UPDATE muster_person SET person_id = NULL WHERE person_id = %(person)s

-- name: muster
-- Only searched, never deleted from: a report has no names.
FROM muster WHERE EXISTS (SELECT FROM unnest(%(words)s::text[]) word WHERE position(word IN report::text) > 0)
