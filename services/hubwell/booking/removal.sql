-- Rows of this package's tables that belong to removed spaces and devices. Each query is the tail of a DELETE; the
-- tables are emptied in the reverse order of tables.toml (storage/tables.py).

-- name: booking
FROM booking WHERE space_id = ANY (%(spaces)s)

-- name: atom
FROM atom WHERE space_id = ANY (%(spaces)s)

-- name: booking_series
FROM booking_series WHERE space_id = ANY (%(spaces)s)

-- name: calendar_address
FROM calendar_address WHERE space_id = ANY (%(spaces)s)
