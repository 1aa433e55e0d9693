-- name: end_others
UPDATE account SET person_id = NULL, linked_at = NULL WHERE person_id = %(person)s AND id <> %(account)s RETURNING id

-- name: link
UPDATE account SET person_id = %(person)s, linked_at = %(now)s WHERE id = %(account)s

-- name: unlink
UPDATE account SET person_id = NULL, linked_at = NULL
WHERE id = %(account)s AND person_id IS NOT NULL AND (%(person)s::uuid IS NULL OR person_id = %(person)s)

-- name: of_person
SELECT id AS account_id, login, linked_at FROM account WHERE person_id = %(person)s ORDER BY login

-- name: end_since
UPDATE account SET person_id = NULL, linked_at = NULL
WHERE person_id = %(person)s AND (%(since)s::timestamptz IS NULL OR linked_at >= %(since)s) RETURNING id

-- name: end_codes
DELETE FROM visit_code WHERE person_id = %(person)s

-- name: end_sessions
DELETE FROM sign_in WHERE person_id = %(person)s AND (credential_id = %(credential)s OR credential_id IS NULL)
