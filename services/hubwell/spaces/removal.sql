-- Rows of this package's tables that belong to removed spaces and devices. Each query is the tail of a DELETE; the
-- tables are emptied in the reverse order of tables.toml (storage/tables.py).

-- name: device
FROM device WHERE id = ANY (%(devices)s)

-- name: space
FROM space WHERE id = ANY (%(spaces)s)
