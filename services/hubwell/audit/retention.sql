-- Rows of this package's tables that are past their term; see people/retention.sql.

-- name: audit_log
-- For the count only: entries are deleted by log.trim, which records the new beginning of the chain.
FROM audit_entry WHERE at < %(older)s

-- name: proof
FROM deletion WHERE ran_at < %(older)s
