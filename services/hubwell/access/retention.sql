-- The rows of this package's tables whose retention period has ended; see people/retention.sql.

-- name: code
FROM visit_code WHERE expires_at < %(older)s

-- name: kiosk_request
FROM kiosk_request WHERE at < %(older)s

-- name: sign_in
FROM sign_in WHERE expires_at < %(older)s
