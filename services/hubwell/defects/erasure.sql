-- The rows of this package's tables that hold something of a person; see people/erasure.sql.

-- name: defect
FROM defect WHERE closed_by = ANY (%(accounts)s)

-- name: anonymise_defect
-- An account that is erased alone leaves the row in the same way: its foreign key sets the column to null.
UPDATE defect SET closed_by = NULL WHERE closed_by = ANY (%(accounts)s)
