-- Rows of this package's tables that belong to removed spaces and devices. Each query is the tail of a DELETE; the
-- tables are emptied in the reverse order of tables.toml (storage/tables.py).

-- name: episode
FROM episode WHERE space_id = ANY (%(spaces)s)
