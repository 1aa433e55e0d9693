-- name: device
SELECT d.id, d.name, d.space_id, d.registered_at, d.moved_at, d.archived_at, d.past_of, d.status, d.status_at, d.clock,
       d.pending, d.roster_at, d.muster_station, d.meta
FROM device d WHERE d.id = %(device)s

-- name: reports
-- What each device in use reported of itself, beside what it measures.
SELECT d.id, d.clock, d.pending, d.roster_at, d.meta FROM device d WHERE d.archived_at IS NULL ORDER BY d.id

-- name: device_named
SELECT id FROM device
WHERE archived_at IS NULL AND id <> %(device)s AND lower(name) = lower(%(name)s) AND name <> '' LIMIT 1

-- name: rename_device
UPDATE device SET name = %(name)s WHERE id = %(device)s

-- name: add_past
INSERT INTO device (id, space_id, name, registered_at, archived_at, past_of)
SELECT %(past)s, space_id, name, coalesce(moved_at, registered_at), %(now)s, id FROM device WHERE id = %(device)s

-- name: ids_like
SELECT id FROM device WHERE starts_with(id, %(start)s)

-- name: take_place
-- What belongs to the place and not to the device: whether it keeps the sealed list of an evacuation.
UPDATE device SET muster_station = old.muster_station FROM device old
WHERE device.id = %(device)s AND old.id = %(old)s

-- name: note_unregistered
-- In one order everywhere, so that two ingest processes do not wait for each other.
INSERT INTO unregistered_device AS u (device_id, last_at, messages, pending, series, meta)
SELECT came.device, came.at, came.messages, came.pending, came.series, coalesce(came.meta, '{}')
FROM unnest(
    %(devices)s::text[], %(ats)s::timestamptz[], %(messages)s::bigint[], %(pendings)s::bigint[], %(series)s::jsonb[],
    %(metas)s::jsonb[]
) AS came (device, at, messages, pending, series, meta)
ORDER BY came.device
ON CONFLICT (device_id) DO UPDATE SET
    last_at = greatest(u.last_at, excluded.last_at), messages = u.messages + excluded.messages,
    pending = coalesce(excluded.pending, u.pending),
    series = CASE WHEN (SELECT count(*) FROM jsonb_object_keys(u.series || excluded.series)) <= %(most_series)s
                  THEN u.series || excluded.series ELSE u.series END,
    meta = CASE WHEN excluded.meta = '{}' THEN u.meta ELSE excluded.meta END

-- name: forget_unregistered
-- What was registered meanwhile, what was not heard for long, and what is over the limit: of names that came once, as
-- made-up ones do, those first that came longest ago.
DELETE FROM unregistered_device WHERE device_id IN (
    SELECT u.device_id FROM unregistered_device u
    JOIN device d ON d.id = u.device_id AND d.archived_at IS NULL
    UNION ALL
    SELECT device_id FROM unregistered_device
    WHERE ignored_at IS NULL AND greatest(first_at, last_at) < now() - %(kept)s
    UNION ALL
    (
        SELECT device_id FROM unregistered_device WHERE ignored_at IS NULL
        ORDER BY messages > 1 DESC, last_at DESC NULLS LAST, device_id OFFSET %(most)s
    )
)

-- name: unregistered
-- What waits is what the device reports, else the different messages of it that were set aside; of one with readers it
-- is left out, because a number that rises by one would show a tap.
SELECT u.device_id, u.first_at, u.last_at, u.messages, u.series, u.meta, u.ignored_at, d.archived_at,
       CASE WHEN NOT jsonb_path_exists(u.meta, '$.readers[*]') THEN coalesce(
           u.pending,
           (SELECT count(*) FROM rejected r
            WHERE r.device_id = u.device_id AND r.code = 'unknown-device' AND r.topic NOT LIKE '%/up/event')
       ) END AS waiting
FROM unregistered_device u
LEFT JOIN device d ON d.id = u.device_id
WHERE u.last_at IS NOT NULL AND (d.id IS NULL OR d.archived_at IS NOT NULL) AND d.past_of IS NULL
ORDER BY u.ignored_at IS NOT NULL, u.last_at DESC, u.device_id

-- name: set_ignored
UPDATE unregistered_device SET ignored_at = CASE WHEN %(on)s THEN coalesce(ignored_at, now()) END
WHERE device_id = %(device)s

-- name: remove_unregistered
DELETE FROM unregistered_device WHERE device_id = %(device)s
