-- Rows of this package's tables that belong to removed spaces and devices. Each query is the tail of a DELETE; the
-- tables are emptied in the reverse order of tables.toml (storage/tables.py).

-- name: suspicion
FROM suspicion WHERE space_id = ANY (%(spaces)s) OR other_space_id = ANY (%(spaces)s)

-- name: visit
-- Also in a space that stays: visits of counted people, whom the removed device saw there.
FROM visit v WHERE space_id = ANY (%(spaces)s) OR EXISTS (
    SELECT FROM device d JOIN person p ON p.id = v.person_id AND p.kind = 'counted'
    WHERE d.id = ANY (%(devices)s) AND d.space_id = v.space_id
)

-- name: tap
FROM tap WHERE space_id = ANY (%(spaces)s) OR stream_id IN (SELECT id FROM stream WHERE device_id = ANY (%(devices)s))
