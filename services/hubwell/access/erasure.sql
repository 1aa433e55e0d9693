-- The rows of this package's tables that hold personal data; see people/erasure.sql. `accounts` are those that are
-- erased with the person; from an account that stays only the link is removed.

-- name: account
FROM account WHERE person_id = %(person)s

-- name: anonymise_account
UPDATE account SET person_id = NULL WHERE person_id = %(person)s

-- name: account_role
FROM account_role WHERE account_id = ANY (%(accounts)s)

-- name: account_identity
FROM account_identity WHERE account_id = ANY (%(accounts)s)

-- name: passkey
FROM passkey WHERE account_id = ANY (%(accounts)s)

-- name: sign_in
FROM sign_in WHERE person_id = %(person)s OR account_id = ANY (%(accounts)s)

-- name: visit_code
FROM visit_code WHERE person_id = %(person)s
