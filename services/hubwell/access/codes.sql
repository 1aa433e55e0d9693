-- name: forget_codes
DELETE FROM visit_code WHERE person_id = %(person)s

-- name: add_code
INSERT INTO visit_code (code_hash, person_id, expires_at) VALUES (%(hash)s, %(person)s, %(until)s)

-- name: use_code
DELETE FROM visit_code WHERE code_hash = %(hash)s RETURNING person_id, expires_at
