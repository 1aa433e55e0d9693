-- The rows of this package's tables that hold something of a person, by table. Each query is the tail of a DELETE and of
-- a count, which must be 0 after the erasure. hubwell/privacy/erasure.py
-- runs them; tables.toml says which rows are deleted here and which go with what they refer to.

-- name: person
FROM person WHERE id = %(person)s

-- name: credential
FROM credential WHERE person_id = %(person)s

-- name: signed_message
FROM signed_message WHERE credential_id = ANY (%(credentials)s)

-- name: credential_pseudonym
FROM credential_pseudonym WHERE badge = ANY (%(badges)s)

-- name: desk_tap
FROM desk_tap WHERE badge = ANY (%(badges)s)

-- name: class_list
-- A list goes with the account that pasted it.
FROM class_list WHERE owner_id = ANY (%(accounts)s)

-- name: class_name
-- Also a name that still waits for a badge, where it is the name of the person.
FROM class_name WHERE credential_id = ANY (%(credentials)s)
   OR lower(name) = (SELECT lower(p.name) FROM person p WHERE p.id = %(person)s)
