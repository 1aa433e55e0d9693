-- What is past its term in this package's tables; see people/retention.sql.

-- name: rejected_payload
FROM rejected WHERE last_at < %(older)s AND octet_length(payload) > 0

-- name: empty_rejected_payload
UPDATE rejected SET payload = '' WHERE last_at < %(older)s AND octet_length(payload) > 0

-- name: reading
FROM reading WHERE time < %(older)s

-- name: reading_hour
FROM reading_hour WHERE hour < %(older)s
