-- What is past its term in this package's tables; see people/retention.sql.

-- name: audit_log
-- Only counted: entries are deleted by log.trim, which notes in the chain where it begins from then on.
FROM audit_entry WHERE at < %(older)s

-- name: proof
FROM deletion WHERE ran_at < %(older)s
