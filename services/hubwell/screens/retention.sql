-- The rows of this package's tables whose retention period has ended; see people/retention.sql.

-- name: screen
FROM screen WHERE expires_at < %(older)s

-- name: screen_code
FROM screen_code WHERE expires_at < %(older)s
