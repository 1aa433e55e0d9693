-- name: badges
-- Every enrolled badge of the epochs that still have a key. Anonymous (counted) people are never on a list.
SELECT encode(cp.badge, 'hex') AS badge, p.language, NOT upper_inf(c.valid) AS revoked
FROM credential_pseudonym cp JOIN credential c ON c.id = cp.credential_id JOIN person p ON p.id = c.person_id
WHERE p.kind = 'enrolled' AND cp.epoch = ANY (%(epochs)s::int[])
  AND (upper_inf(c.valid) OR upper(c.valid) > %(revoked_since)s)

-- name: devices
-- Devices that have a reader: by their own description, by the register, or by a stored tap.
SELECT d.id AS device,
       coalesce((SELECT jsonb_object_agg(r.name, r.purpose) FROM reader r WHERE r.device_id = d.id), '{}') AS purposes,
       space.id, space.zone, space.capacity, space.when_full,
       EXISTS (SELECT FROM reader r WHERE r.device_id = d.id AND r.purpose = 'space')
           OR EXISTS (SELECT FROM jsonb_path_query(d.meta, '$.readers[*].name') named
                      WHERE NOT EXISTS (SELECT FROM reader r WHERE r.device_id = d.id AND r.name = named #>> '{}'))
           OR NOT EXISTS (SELECT FROM reader r WHERE r.device_id = d.id) AS has_door
FROM device d LEFT JOIN space ON space.id = d.space_id
WHERE d.archived_at IS NULL
  AND (jsonb_path_exists(d.meta, '$.readers[*]') OR EXISTS (SELECT FROM reader r WHERE r.device_id = d.id)
       OR EXISTS (SELECT FROM stream s JOIN tap t ON t.stream_id = s.id WHERE s.device_id = d.id))
ORDER BY d.id

-- name: evacuation
SELECT kind FROM muster WHERE closed_at IS NULL

-- name: tombstones
SELECT encode(salt, 'hex') AS salt, encode(tag, 'hex') AS tag FROM erased WHERE until > %(now)s ORDER BY until, tag
