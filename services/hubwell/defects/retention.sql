-- The rows of this package's tables whose retention period has ended; see people/retention.sql.

-- name: defect
FROM defect WHERE closed_at < %(older)s
