-- The rows of this package's tables that hold something of a person; see people/erasure.sql.

-- name: tap
FROM tap WHERE person_id = %(person)s

-- name: visit
FROM visit WHERE person_id = %(person)s

-- name: suspicion
FROM suspicion WHERE credential_id = ANY (%(credentials)s)
