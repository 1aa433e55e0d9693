-- Rows of this package's tables that belong to removed spaces and devices. Each query is the tail of a DELETE; the
-- tables are emptied in the reverse order of tables.toml (storage/tables.py).

-- name: people_figure
FROM people_figure WHERE scope = 'space' AND place = ANY (%(spaces)s)

-- name: people_gate
FROM people_gate WHERE scope = 'space' AND place = ANY (%(spaces)s)
