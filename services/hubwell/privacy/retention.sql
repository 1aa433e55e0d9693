-- What is past its term in this package's tables; see people/retention.sql.

-- name: tombstone
FROM erased WHERE until < %(older)s
