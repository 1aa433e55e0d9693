-- Rows of this package's tables that are past their term; see people/retention.sql.

-- name: tombstone
FROM erased WHERE until < %(older)s
