-- name: lock_plans
SELECT pg_advisory_xact_lock(lock_key('floor plans'))

-- name: plans
SELECT id, name, width, height, is_paper, digest FROM floor_plan ORDER BY position, id

-- name: are_there_plans
SELECT EXISTS (SELECT FROM floor_plan)

-- name: picture
SELECT media_type, digest, picture FROM floor_plan WHERE id = %(plan)s

-- name: places
SELECT p.space_id, p.plan_id, p.x, p.y FROM space_place p JOIN space s ON s.id = p.space_id
WHERE s.archived_at IS NULL ORDER BY p.space_id

-- name: add_plan
INSERT INTO floor_plan (name, position, media_type, width, height, is_paper, digest, picture)
VALUES (%(name)s, (SELECT coalesce(max(position), 0) + 1 FROM floor_plan), %(media_type)s, %(width)s, %(height)s,
        %(is_paper)s, %(digest)s, %(picture)s)
RETURNING id

-- name: rename_plan
UPDATE floor_plan SET name = %(name)s WHERE id = %(plan)s

-- name: set_picture
UPDATE floor_plan SET media_type = %(media_type)s, width = %(width)s, height = %(height)s,
    is_paper = %(is_paper)s, digest = %(digest)s, picture = %(picture)s
WHERE id = %(plan)s

-- name: order_plans
UPDATE floor_plan p SET position = place.n
FROM unnest(%(plans)s::int[]) WITH ORDINALITY AS place (id, n) WHERE p.id = place.id

-- name: remove_plan
DELETE FROM floor_plan WHERE id = %(plan)s

-- name: remove_unused_plan
DELETE FROM floor_plan p WHERE p.name = %(name)s AND p.digest = %(digest)s AND NOT EXISTS (
    SELECT FROM space_place l JOIN space s ON s.id = l.space_id WHERE l.plan_id = p.id AND s.archived_at IS NULL
)

-- name: lock_space_to_place
SELECT archived_at FROM space WHERE id = %(space)s FOR SHARE

-- name: put_place
INSERT INTO space_place (space_id, plan_id, x, y) VALUES (%(space)s, %(plan)s, %(x)s, %(y)s)
ON CONFLICT (space_id) DO UPDATE SET plan_id = excluded.plan_id, x = excluded.x, y = excluded.y

-- name: take_off
DELETE FROM space_place WHERE space_id = %(space)s AND plan_id = %(plan)s
