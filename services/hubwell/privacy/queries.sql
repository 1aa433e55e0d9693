-- name: add_tombstone
-- The row identifies late messages of the badge; badge and person cannot be found from it.
INSERT INTO erased (salt, tag, until) VALUES (%(salt)s, %(tag)s, %(until)s)
