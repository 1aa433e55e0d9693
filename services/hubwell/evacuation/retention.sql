-- The rows of this package's tables whose retention period has ended; see people/retention.sql.

-- name: muster_list
FROM muster_person WHERE muster_id IN (SELECT id FROM muster WHERE closed_at < %(older)s)

-- name: muster_report
FROM muster WHERE closed_at < %(older)s
