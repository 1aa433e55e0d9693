-- Accounts, their roles and identities, sessions and service tokens. Times are passed in.

-- name: principal_of_session
SELECT s.account_id, coalesce(s.person_id, a.person_id) AS person_id, coalesce(a.name, '') AS name,
       coalesce(s.language, a.language, p.language) AS language, s.csrf, s.last_seen_at,
       ARRAY(SELECT role FROM account_role r WHERE r.account_id = s.account_id) AS roles,
       (SELECT c.id FROM credential c WHERE c.id = s.credential_id AND lower(c.valid) > %(new_since)s
           AND p.created_at < lower(c.valid)) AS only_badge
FROM sign_in s
LEFT JOIN account a ON a.id = s.account_id
LEFT JOIN person p ON p.id = s.person_id
WHERE s.token_hash = %(token_hash)s AND s.expires_at > %(now)s AND s.last_seen_at > %(idle_since)s
  AND a.disabled_at IS NULL;

-- name: principal_of_token
SELECT id, name, roles FROM service_token
WHERE token_hash = %(token_hash)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %(now)s);

-- name: seen
UPDATE sign_in SET last_seen_at = %(now)s WHERE token_hash = %(token_hash)s;

-- name: begin_sign_in
INSERT INTO sign_in (token_hash, account_id, person_id, credential_id, csrf, created_at, last_seen_at, expires_at)
VALUES (%(token_hash)s, %(account_id)s, %(person_id)s, %(credential_id)s, %(csrf)s, %(now)s, %(now)s,
        %(expires_at)s);

-- name: note_sign_in
UPDATE account SET signed_in_at = %(now)s WHERE id = %(account_id)s;

-- name: end_sign_in
DELETE FROM sign_in WHERE token_hash = %(token_hash)s;

-- name: end_sign_ins_of_account
DELETE FROM sign_in WHERE account_id = %(account_id)s AND token_hash IS DISTINCT FROM %(but)s;

-- name: end_old_sign_ins
DELETE FROM sign_in WHERE expires_at <= %(now)s OR last_seen_at <= %(idle_since)s;

-- name: sign_ins_of_account
SELECT token_hash = %(token_hash)s AS current, created_at, last_seen_at, expires_at FROM sign_in
WHERE account_id = %(account_id)s AND expires_at > %(now)s AND last_seen_at > %(idle_since)s
ORDER BY last_seen_at DESC;

-- name: add_account
-- ON CONFLICT instead of an error: PostgreSQL would log the login, and with a refused row even the hash.
INSERT INTO account (login, name, password_hash, created_by, password_set_by)
VALUES (%(login)s, %(name)s, %(password_hash)s, %(by)s, %(by)s)
ON CONFLICT ON CONSTRAINT account_login_once DO NOTHING RETURNING id;

-- name: lock_accounts
LOCK TABLE account_role IN SHARE ROW EXCLUSIVE MODE;

-- name: admins
SELECT count(*) FROM account_role r JOIN account a ON a.id = r.account_id
WHERE r.role = 'admin' AND a.disabled_at IS NULL;

-- name: take_other_roles
DELETE FROM account_role
WHERE account_id = %(account_id)s AND granted_by = %(granted_by)s AND role <> ALL (%(but)s::text[]);

-- name: give_role_locally
INSERT INTO account_role (account_id, role, granted_by) VALUES (%(account_id)s, %(role)s, 'local')
ON CONFLICT ON CONSTRAINT account_role_once DO UPDATE SET granted_by = 'local';

-- name: give_role_by_provider
INSERT INTO account_role (account_id, role, granted_by) VALUES (%(account_id)s, %(role)s, 'oidc')
ON CONFLICT ON CONSTRAINT account_role_once DO NOTHING;

-- name: set_password
-- By its owner: who set the first one may know this one too, so that is not forgotten.
UPDATE account SET password_hash = %(password_hash)s WHERE id = %(account_id)s;

-- name: reset_password
UPDATE account SET password_hash = %(password_hash)s, password_set_by = %(by)s WHERE id = %(account_id)s;

-- name: set_language
UPDATE account SET language = %(language)s WHERE id = %(account_id)s;

-- name: set_name
UPDATE account SET name = %(name)s WHERE id = %(account_id)s;

-- name: set_session_language
UPDATE sign_in SET language = %(language)s WHERE token_hash = %(token_hash)s;

-- name: forget_session_languages
UPDATE sign_in SET language = NULL WHERE account_id = %(account_id)s;

-- name: link_person
UPDATE account SET person_id = %(person_id)s, linked_at = CASE WHEN %(person_id)s::uuid IS NOT NULL THEN now() END
WHERE id = %(account_id)s;

-- name: disable
UPDATE account SET disabled_at = coalesce(disabled_at, %(now)s) WHERE id = %(account_id)s;

-- name: enable
UPDATE account SET disabled_at = NULL WHERE id = %(account_id)s;

-- name: erase
DELETE FROM account WHERE id = %(account_id)s RETURNING person_id;

-- name: accounts_of_person
SELECT id FROM account WHERE person_id = %(person_id)s ORDER BY id;

-- name: credentials
SELECT id, login, password_hash, disabled_at IS NOT NULL AS disabled FROM account WHERE login = %(login)s;

-- name: credentials_by_id
SELECT id, login, password_hash, disabled_at IS NOT NULL AS disabled FROM account WHERE id = %(account_id)s;

-- name: account_of_identity
SELECT a.id, a.disabled_at IS NOT NULL AS disabled FROM account_identity i JOIN account a ON a.id = i.account_id
WHERE i.issuer = %(issuer)s AND i.subject = %(subject)s;

-- name: lock_identity
SELECT pg_advisory_xact_lock(lock_key('identity ' || %(issuer)s || ' ' || %(subject)s));

-- name: add_identity
INSERT INTO account_identity (issuer, subject, account_id) VALUES (%(issuer)s, %(subject)s, %(account_id)s);

-- name: roles_of_account
SELECT role FROM account_role WHERE account_id = %(account_id)s ORDER BY role;

-- name: accounts
SELECT a.id, a.login, a.name, a.person_id, a.language, a.created_at, a.signed_in_at, a.disabled_at,
       a.password_hash IS NOT NULL AS has_password,
       EXISTS (SELECT FROM account_identity i WHERE i.account_id = a.id) AS has_identity,
       ARRAY(SELECT role FROM account_role r WHERE r.account_id = a.id AND granted_by = 'local' ORDER BY role)
           AS local_roles,
       ARRAY(SELECT role FROM account_role r WHERE r.account_id = a.id AND granted_by = 'oidc' ORDER BY role)
           AS provider_roles
FROM account a
WHERE %(account_id)s::uuid IS NULL OR a.id = %(account_id)s
ORDER BY a.disabled_at IS NOT NULL, a.login;

-- name: add_token
INSERT INTO service_token (name, token_hash, roles, expires_at)
VALUES (%(name)s, %(token_hash)s, %(roles)s, %(expires_at)s) RETURNING id;

-- name: revoke_token
UPDATE service_token SET revoked_at = coalesce(revoked_at, %(now)s) WHERE name = %(name)s RETURNING id;

-- name: tokens
SELECT id, name, roles, created_at, expires_at, revoked_at FROM service_token
ORDER BY revoked_at IS NOT NULL, name;

-- name: move_accounts
-- A person has one account: the kept person's stays.
UPDATE account SET person_id = CASE WHEN EXISTS (SELECT FROM account k WHERE k.person_id = %(keep)s) THEN NULL
                                    ELSE %(keep)s::uuid END
WHERE person_id = %(drop)s
