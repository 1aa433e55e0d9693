-- name: lock
-- One writer at a time until its transaction ends, so that numbers have no gaps. The key is used for this log only.
SELECT pg_advisory_xact_lock(7268190)

-- name: head
SELECT id, hash FROM audit_entry ORDER BY id DESC LIMIT 1

-- name: add
INSERT INTO audit_entry (id, at, actor, action, subject, detail, previous, hash)
VALUES (%(id)s, %(at)s, %(actor)s, %(action)s, %(subject)s, %(detail)s, %(previous)s, %(hash)s)

-- name: newest
-- Of some kinds of action (the first word), of one actor, before a time; null for all.
SELECT id, at, actor, action, subject, detail, previous, hash FROM audit_entry
WHERE (%(kinds)s::text[] IS NULL OR split_part(action, '.', 1) = ANY (%(kinds)s::text[]))
  AND (%(actor)s::text IS NULL OR actor = %(actor)s::text)
  AND (%(before)s::timestamptz IS NULL OR at < %(before)s::timestamptz)
ORDER BY id DESC LIMIT %(most)s

-- name: actors
SELECT DISTINCT actor FROM audit_entry ORDER BY actor

-- name: after
SELECT id, at, actor, action, subject, detail, previous, hash FROM audit_entry
WHERE %(id)s::bigint IS NULL OR id > %(id)s ORDER BY id

-- name: link_before
SELECT id, hash FROM audit_entry ORDER BY id DESC OFFSET %(newest)s LIMIT 1

-- name: trims
SELECT detail->>'upto', detail->>'hash' FROM audit_entry
WHERE action = %(action)s AND detail->>'upto' ~ '^[0-9]{1,18}$' AND detail->>'hash' ~ '^[0-9a-f]{64}$'

-- name: last_before
SELECT id, hash FROM audit_entry WHERE at < %(before)s ORDER BY id DESC LIMIT 1

-- name: delete_upto
DELETE FROM audit_entry WHERE id <= %(id)s

-- name: add_deletion
INSERT INTO deletion (class, why, older_than, rows, left_over, ran_at)
VALUES (%(data)s, %(why)s, %(older_than)s, %(rows)s, %(left_over)s, %(at)s) RETURNING id

-- name: classes_deleted_since
SELECT DISTINCT class FROM deletion WHERE why = %(why)s AND ran_at > %(since)s

-- name: newest_deletions
SELECT id, class, why, older_than, rows, left_over, ran_at FROM deletion ORDER BY id DESC LIMIT %(most)s

-- name: last_deletion_of_each_class
SELECT DISTINCT ON (class) id, class, why, older_than, rows, left_over, ran_at FROM deletion
WHERE why = %(why)s ORDER BY class, id DESC
