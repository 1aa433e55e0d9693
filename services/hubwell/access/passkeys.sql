-- name: passkeys_of
SELECT id, name, added_at, used_at FROM passkey WHERE account_id = %(account_id)s ORDER BY added_at, id

-- name: credential_ids
SELECT credential_id FROM passkey WHERE account_id = %(account_id)s ORDER BY added_at, id

-- name: lock_account
SELECT FROM account WHERE id = %(account_id)s FOR UPDATE

-- name: add_passkey
INSERT INTO passkey (account_id, credential_id, attested, sign_count, name, added_at)
SELECT id, %(credential_id)s, %(attested)s, %(sign_count)s, %(name)s, %(now)s FROM account
WHERE id = %(account_id)s AND password_hash IS NOT NULL
ON CONFLICT ON CONSTRAINT passkey_once DO NOTHING RETURNING id

-- name: remove_passkey
DELETE FROM passkey WHERE id = %(passkey_id)s AND account_id = %(account_id)s

-- name: remove_passkeys
DELETE FROM passkey WHERE account_id = %(account_id)s

-- name: passkey
SELECT p.id, p.account_id, p.attested FROM passkey p JOIN account a ON a.id = p.account_id
WHERE p.credential_id = %(credential_id)s AND a.disabled_at IS NULL AND a.password_hash IS NOT NULL

-- name: note_use
-- The counter grows with each signature; authenticators that do not count send 0 always (WebAuthn 7.2, step 22).
UPDATE passkey SET sign_count = %(counter)s, used_at = %(now)s
WHERE id = %(passkey_id)s AND (sign_count < %(counter)s OR (sign_count = 0 AND %(counter)s::bigint = 0))
