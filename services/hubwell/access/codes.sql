-- name: forget_codes
DELETE FROM visit_code WHERE person_id = %(person)s

-- name: add_code
INSERT INTO visit_code (code_hash, person_id, expires_at, credential_id)
VALUES (%(hash)s, %(person)s, %(until)s, %(credential)s)

-- name: use_code
DELETE FROM visit_code WHERE code_hash = %(hash)s RETURNING person_id, expires_at, credential_id

-- name: is_new_badge
SELECT EXISTS (SELECT FROM credential c JOIN person p ON p.id = c.person_id
               WHERE c.id = %(credential)s AND lower(c.valid) > %(since)s AND p.created_at < lower(c.valid))

-- name: lock_kiosk
-- One request of a kiosk after the other, so that none slips past the limit.
SELECT pg_advisory_xact_lock(lock_key('kiosk ' || %(device)s::text))

-- name: requests
SELECT count(*) FROM kiosk_request WHERE device_id = %(device)s AND at > %(since)s

-- name: add_request
INSERT INTO kiosk_request (device_id, at, outcome) VALUES (%(device)s, %(now)s, %(outcome)s)

-- name: was_reported
SELECT EXISTS (SELECT FROM kiosk_request WHERE device_id = %(device)s AND outcome = %(outcome)s AND at > %(since)s)

-- name: misused
SELECT k.device_id AS device, k.outcome, count(*) AS requests, max(k.at) AS latest
FROM kiosk_request k WHERE k.at > %(since)s AND k.outcome IN ('no-proof', 'wrong-proof', 'too-many')
GROUP BY k.device_id, k.outcome ORDER BY latest DESC
