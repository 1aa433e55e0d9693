-- name: add_tombstone
-- A late message of the badge is recognised by whoever holds the badge, and nobody can be found from this row.
INSERT INTO erased (salt, tag, until) VALUES (%(salt)s, %(tag)s, %(until)s)
