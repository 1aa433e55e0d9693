-- The rows of this package's tables whose retention period has ended; see people/retention.sql.

-- name: booking
-- The holds go with their booking.
FROM booking WHERE upper(during) < %(older)s

-- name: booking_series
-- A date that was moved to a later day keeps its series until it goes itself.
FROM booking_series s WHERE s.last_at < %(older)s::timestamptz - interval '2 days'
    AND NOT EXISTS (SELECT FROM booking b WHERE b.series_id = s.id)
