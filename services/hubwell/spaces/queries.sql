-- name: put_space
-- Door settings that are null stay as they are. A null closes_at is a value too, the hub's closing time, if
-- closing_set is true.
INSERT INTO space (id, name, kind, capacity, zone, when_full, closes_at, personal)
VALUES (%(id)s, %(name)s, %(kind)s, %(capacity)s, %(zone)s,
        coalesce(%(when_full)s, 'warn'), %(closes_at)s, coalesce(%(personal)s::boolean, false))
ON CONFLICT (id) DO UPDATE
SET name = excluded.name, kind = excluded.kind, capacity = excluded.capacity, zone = excluded.zone,
    when_full = coalesce(%(when_full)s, space.when_full),
    closes_at = CASE WHEN %(closing_set)s THEN excluded.closes_at ELSE space.closes_at END,
    personal = coalesce(%(personal)s::boolean, space.personal)

-- name: put_device
INSERT INTO device (id, space_id, name) VALUES (%(id)s, %(space)s, %(name)s)
ON CONFLICT (id) DO UPDATE SET space_id = excluded.space_id,
    name = CASE WHEN excluded.name = '' THEN device.name ELSE excluded.name END

-- name: spaces
SELECT id, name, kind, capacity, zone, when_full, closes_at, personal FROM space ORDER BY kind, name

-- name: devices
SELECT d.id, d.space_id, d.name, d.status, d.status_at, max(s.last_received_at) AS last_heard
FROM device d LEFT JOIN stream s ON s.device_id = d.id GROUP BY d.id ORDER BY d.id

-- name: set_station
UPDATE device SET muster_station = %(on)s WHERE id = %(device)s

-- name: set_status
-- The last will says nothing of the list of badges that the device still holds.
UPDATE device SET status = %(status)s, status_at = now(), roster_at = coalesce(%(roster_at)s, roster_at)
WHERE id = %(device)s

-- name: set_meta
UPDATE device SET meta = %(meta)s, name = CASE WHEN name = '' THEN %(name)s ELSE name END WHERE id = %(device)s
