-- What is past its term in this package's tables; see people/retention.sql.

-- name: delivery
-- Deliveries go with their event.
FROM event WHERE recorded_at < %(older)s
