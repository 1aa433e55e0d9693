-- Rows of this package's tables that belong to removed spaces and devices; see screens/removal.sql.

-- name: defect
FROM defect WHERE space_id = ANY (%(spaces)s)
