-- Rows of this package's tables that belong to removed spaces and devices. Each query is the tail of a DELETE; the
-- tables are emptied in the reverse order of tables.toml (storage/tables.py).

-- name: reading
FROM reading WHERE series_id IN (SELECT id FROM series WHERE device_id = ANY (%(devices)s))

-- name: series
FROM series WHERE device_id = ANY (%(devices)s)

-- name: rejected
FROM rejected WHERE device_id = ANY (%(devices)s)

-- name: gap
FROM gap WHERE stream_id IN (SELECT id FROM stream WHERE device_id = ANY (%(devices)s))

-- name: message
FROM message WHERE stream_id IN (SELECT id FROM stream WHERE device_id = ANY (%(devices)s))

-- name: stream
FROM stream WHERE device_id = ANY (%(devices)s)
