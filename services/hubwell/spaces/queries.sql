-- name: enter_space
INSERT INTO space (id, name, kind, capacity, zone) VALUES (%(id)s, %(name)s, %(kind)s, %(capacity)s, %(zone)s)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind, capacity = excluded.capacity,
    zone = excluded.zone, archived_at = NULL

-- name: lock_register
-- One change of the register at a time: what is checked against the other spaces is still true when it is stored.
SELECT pg_advisory_xact_lock(lock_key('register of spaces'))

-- name: store_space
INSERT INTO space (id, name, kind, capacity, zone, opens_at, closes_at, when_full, personal, features, equipment, names)
VALUES (%(id)s, %(name)s, %(kind)s, %(capacity)s, %(zone)s, %(opens_at)s, %(closes_at)s, %(when_full)s,
        %(personal)s, %(features)s::text[], %(equipment)s, %(names)s)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind, capacity = excluded.capacity,
    zone = excluded.zone, opens_at = excluded.opens_at, closes_at = excluded.closes_at,
    when_full = excluded.when_full, personal = excluded.personal, features = excluded.features,
    equipment = excluded.equipment, names = excluded.names, archived_at = NULL

-- name: free_names
-- Two spaces may exchange their names: none of these has its old one while the new ones are stored.
UPDATE space SET name = 'renamed ' || gen_random_uuid() WHERE id = ANY (%(spaces)s)

-- name: set_position
UPDATE space SET position = %(position)s WHERE id = %(space)s

-- name: set_turnaround
UPDATE space SET turnaround_min = %(minutes)s WHERE id = %(space)s

-- name: set_door
UPDATE space SET walk_ins = %(walk_ins)s, release_min = %(release)s WHERE id = %(space)s

-- name: registered
SELECT s.id, s.name, s.kind, s.capacity, s.zone, s.opens_at, s.closes_at, s.when_full, s.personal, s.features,
       s.equipment, s.names, s.position, s.archived_at,
       (SELECT count(*) FROM device d WHERE d.space_id = s.id AND d.archived_at IS NULL) AS devices
FROM space s ORDER BY array_position(space_kinds(), s.kind), s.position, s.name, s.id

-- name: order_spaces
UPDATE space s SET position = place.n
FROM unnest(%(spaces)s::text[]) WITH ORDINALITY AS place (id, n) WHERE s.id = place.id

-- name: put_device
INSERT INTO device (id, space_id, name) VALUES (%(id)s, %(space)s, %(name)s)
ON CONFLICT (id) DO UPDATE SET space_id = excluded.space_id, archived_at = NULL,
    moved_at = CASE WHEN device.space_id IS DISTINCT FROM excluded.space_id THEN now() ELSE device.moved_at END,
    name = CASE WHEN excluded.name = '' THEN device.name ELSE excluded.name END

-- name: spaces
SELECT id, name, kind, capacity, zone, when_full, opens_at, closes_at, personal, archived_at FROM space
ORDER BY archived_at IS NOT NULL, array_position(space_kinds(), kind), position, name

-- name: space_entries
SELECT id, name, NULL AS space_id, archived_at FROM space
ORDER BY array_position(space_kinds(), kind), position, name, id

-- name: device_entries
-- Without what devices measured before they were moved: that is nothing to bring back.
SELECT id, name, space_id, archived_at FROM device WHERE past_of IS NULL ORDER BY id

-- name: space_for_device
SELECT archived_at FROM space WHERE id = %(space)s FOR SHARE

-- name: devices
SELECT d.id, d.space_id, d.name, h.status, d.status_at, h.last_heard, h.silent, d.archived_at
FROM device d LEFT JOIN device_heard h ON h.device_id = d.id
WHERE d.past_of IS NULL ORDER BY d.archived_at IS NOT NULL, d.id

-- name: set_station
UPDATE device SET muster_station = %(on)s WHERE id = %(device)s

-- name: set_status
-- The last will says nothing of the list of badges that the device still holds. A kept message without a time
-- does not make the device any younger.
UPDATE device SET status = %(status)s, status_at = coalesce(%(at)s, status_at),
    roster_at = coalesce(%(roster_at)s, roster_at), clock = coalesce(%(clock)s, clock),
    pending = coalesce(%(pending)s, pending)
WHERE id = %(device)s AND (NOT %(retained)s OR coalesce(%(at)s::timestamptz >= status_at, true))

-- name: set_meta
UPDATE device SET meta = %(meta)s, name = CASE WHEN name = '' THEN %(name)s ELSE name END WHERE id = %(device)s

-- name: lock_space
SELECT id FROM space WHERE id = %(space)s FOR UPDATE

-- name: people_in
SELECT FROM visit WHERE space_id = %(space)s AND upper_inf(during) LIMIT 1

-- name: in_space
-- Whether people are in, not how many: a small group's number is told to no page.
SELECT EXISTS (SELECT FROM visit v WHERE v.space_id = s.id AND upper_inf(v.during)) AS people,
       ARRAY(SELECT coalesce(nullif(d.name, ''), d.id) FROM device d
             WHERE d.space_id = s.id AND d.archived_at IS NULL ORDER BY d.id) AS devices,
       (SELECT count(*) FROM episode e WHERE e.space_id = s.id AND e.resolved_at IS NULL) AS alerts,
       (SELECT max(n.time) FROM series_now n WHERE n.space_id = s.id) AS last_heard
FROM space s WHERE s.id = %(space)s AND s.archived_at IS NULL

-- name: archive_space
UPDATE space SET archived_at = coalesce(archived_at, %(now)s) WHERE id = %(space)s

-- name: archive_devices_of
UPDATE device d SET archived_at = s.archived_at FROM space s
WHERE s.id = %(space)s AND d.space_id = s.id AND d.archived_at IS NULL

-- name: restore_devices_of
UPDATE device d SET archived_at = NULL FROM space s
WHERE s.id = %(space)s AND d.space_id = s.id AND d.archived_at = s.archived_at AND d.past_of IS NULL

-- name: restore_space
UPDATE space SET archived_at = NULL WHERE id = %(space)s

-- name: archive_device
UPDATE device SET archived_at = coalesce(archived_at, %(now)s)
WHERE id = %(device)s AND past_of IS NULL RETURNING space_id

-- name: space_of_device
SELECT space_id FROM device WHERE id = %(device)s AND past_of IS NULL

-- name: restore_device
UPDATE device d SET archived_at = NULL
WHERE d.id = %(device)s
  AND NOT EXISTS (SELECT FROM space s WHERE s.id = d.space_id AND s.archived_at IS NOT NULL)
RETURNING space_id

-- name: begin_demonstration
-- Only where there is nothing, and never was: what was archived is there still, what was removed left its row.
INSERT INTO demonstration SELECT WHERE NOT EXISTS (SELECT FROM space) AND NOT EXISTS (SELECT FROM device)
ON CONFLICT DO NOTHING RETURNING seeded_at

-- name: devices_in_use
SELECT id FROM device WHERE id = ANY (%(devices)s) AND archived_at IS NULL ORDER BY id

-- name: demo_doors
SELECT d.id, s.id, s.name FROM device d JOIN space s ON s.id = d.space_id
WHERE d.id = ANY (%(devices)s) AND d.archived_at IS NULL AND s.archived_at IS NULL AND NOT s.personal
  AND EXISTS (SELECT FROM demonstration WHERE removed_at IS NULL)
ORDER BY array_position(space_kinds(), s.kind), s.position, s.name, s.id

-- name: archive_demo_devices
UPDATE device SET archived_at = coalesce(archived_at, %(now)s)
WHERE (id = ANY (%(devices)s) OR past_of = ANY (%(devices)s))
  AND EXISTS (SELECT FROM device WHERE id = ANY (%(devices)s) AND archived_at IS NULL)
RETURNING id

-- name: archive_demo_spaces
UPDATE space s SET archived_at = coalesce(archived_at, %(now)s)
FROM unnest(%(ids)s::text[], %(names)s::text[], %(kinds)s::text[], %(capacitys)s::int[], %(zones)s::text[])
     AS came (id, name, kind, capacity, zone)
WHERE s.id = came.id AND (s.name, s.kind, s.capacity, s.zone) = (came.name, came.kind, came.capacity, came.zone)
  AND NOT s.personal AND s.when_full = 'warn' AND s.closes_at IS NULL AND s.opens_at IS NULL
  AND s.features = '{}' AND s.equipment = '{}' AND s.names = '{}'
  AND NOT EXISTS (SELECT FROM device d WHERE d.space_id = s.id AND d.id <> ALL (%(devices)s)
                  AND coalesce(d.past_of <> ALL (%(devices)s), true))
RETURNING s.id

-- name: beside_demonstration
-- What is in use beside the demonstration: a space, a device that was heard, a device with a reader.
SELECT EXISTS (
    SELECT FROM space s
    WHERE s.archived_at IS NULL AND NOT EXISTS (
        SELECT FROM unnest(%(ids)s::text[], %(names)s::text[], %(kinds)s::text[], %(capacitys)s::int[], %(zones)s::text[])
            AS came (id, name, kind, capacity, zone)
        WHERE s.id = came.id
          AND (s.name, s.kind, s.capacity, s.zone) = (came.name, came.kind, came.capacity, came.zone)
    )
), EXISTS (
    SELECT FROM device_heard h WHERE h.device_id <> ALL (%(devices)s) AND h.last_heard IS NOT NULL
), EXISTS (
    SELECT FROM device d
    WHERE d.id <> ALL (%(devices)s) AND d.archived_at IS NULL
      AND jsonb_typeof(d.meta -> 'readers') = 'array' AND d.meta -> 'readers' <> '[]'
)

-- name: remove_demonstration
INSERT INTO demonstration (removed_at, spaces, devices) VALUES (%(now)s, %(spaces)s, %(devices)s)
ON CONFLICT (only_one) DO UPDATE SET removed_at = excluded.removed_at, deleted_at = NULL,
    spaces = excluded.spaces, devices = excluded.devices

-- name: removed_places
SELECT spaces, devices FROM demonstration WHERE removed_at < %(before)s AND deleted_at IS NULL FOR UPDATE

-- name: demonstration_deleted
UPDATE demonstration SET deleted_at = %(now)s, spaces = '{}', devices = '{}'
