-- The rows of this package's tables that hold something of a person, by table. Each query is the tail of a DELETE and of
-- a count, which must be 0 after the erasure. hubwell/privacy/erasure.py
-- runs them; tables.toml says which rows are deleted here and which go with what they refer to.

-- name: person
FROM person WHERE id = %(person)s

-- name: credential
FROM credential WHERE person_id = %(person)s

-- name: credential_pseudonym
FROM credential_pseudonym WHERE badge = ANY (%(badges)s)

-- name: desk_tap
FROM desk_tap WHERE badge = ANY (%(badges)s)
