-- The rows of this package's tables that hold personal data; see people/erasure.sql. The space stays booked, of nobody
-- and for nothing.

-- name: booking
FROM booking WHERE owner = 'person:' || %(person)s::text
    OR owner = ANY (SELECT 'account:' || account FROM unnest(%(accounts)s::uuid[]) AS account)

-- name: anonymise_booking
UPDATE booking SET owner = '', title = '', shows_title = false, request_key = NULL, request_hash = NULL,
    version = version + 1
WHERE owner = 'person:' || %(person)s::text
    OR owner = ANY (SELECT 'account:' || account FROM unnest(%(accounts)s::uuid[]) AS account)

-- name: booking_series
FROM booking_series WHERE owner = ANY (SELECT 'account:' || account FROM unnest(%(accounts)s::uuid[]) AS account)

-- name: anonymise_booking_series
UPDATE booking_series SET owner = '', title = '', shows_title = false, request_key = NULL, request_hash = NULL,
    version = version + 1
WHERE owner = ANY (SELECT 'account:' || account FROM unnest(%(accounts)s::uuid[]) AS account)

-- name: calendar_address
FROM calendar_address WHERE owner = ANY (SELECT 'account:' || account FROM unnest(%(accounts)s::uuid[]) AS account)
