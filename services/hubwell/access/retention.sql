-- What is past its term in this package's tables; see people/retention.sql.

-- name: code
FROM visit_code WHERE expires_at < %(older)s

-- name: sign_in
FROM sign_in WHERE expires_at < %(older)s
