-- name: known_devices
SELECT id, space_id FROM device

-- name: known_series
SELECT id, name, unit FROM series WHERE device_id = %(device)s

-- name: add_series
INSERT INTO series (device_id, name, quantity, unit) VALUES (%(device)s, %(name)s, %(quantity)s, %(unit)s)
ON CONFLICT ON CONSTRAINT series_device_name DO UPDATE SET name = excluded.name
RETURNING id, unit

-- name: find_streams
SELECT id, device_id, boot FROM stream
WHERE (device_id, boot) IN (SELECT * FROM unnest(%(devices)s::text[], %(boots)s::uuid[]))

-- name: add_streams
INSERT INTO stream (device_id, boot)
SELECT * FROM unnest(%(devices)s::text[], %(boots)s::uuid[]) AS new (device_id, boot) ORDER BY 1, 2
ON CONFLICT ON CONSTRAINT stream_device_boot DO NOTHING

-- name: add_messages
-- A message that is already there counts one copy more and is told apart by "fresh".
INSERT INTO message (stream_id, seq, id, time, kind, verdict, readings, copies)
SELECT * FROM unnest(
    %(streams)s::int[], %(seqs)s::bigint[], %(ids)s::uuid[], %(times)s::timestamptz[],
    %(kinds)s::text[], %(verdicts)s::text[], %(readings)s::int[], %(copies)s::int[]
)
ON CONFLICT ON CONSTRAINT message_once DO UPDATE SET copies = message.copies + excluded.copies
RETURNING stream_id, seq, id, (xmax = 0) AS fresh

-- name: copy_readings
COPY reading (time, series_id, value, quality) FROM STDIN (FORMAT BINARY)

-- name: insert_readings
INSERT INTO reading (time, series_id, value, quality)
SELECT * FROM unnest(%(times)s::timestamptz[], %(series)s::int[], %(values)s::float8[], %(qualities)s::smallint[])
ON CONFLICT ON CONSTRAINT reading_once DO NOTHING

-- name: add_gap
INSERT INTO gap (stream_id, seq, seqs, cause, count, declared_at)
VALUES (%(stream)s, %(seq)s, %(seqs)s, %(cause)s, %(count)s, %(at)s)
ON CONFLICT ON CONSTRAINT gap_once DO NOTHING

-- name: add_rejected
-- One row for each distinct payload of a topic: a device that repeats itself cannot fill the table.
INSERT INTO rejected (digest, topic, device_id, boot, seq, code, reason, payload, size)
VALUES (%(digest)s, %(topic)s, %(device)s, %(boot)s, %(seq)s, %(code)s, %(reason)s, %(payload)s, %(size)s)
ON CONFLICT ON CONSTRAINT rejected_once
DO UPDATE SET copies = rejected.copies + 1, last_at = now(), code = excluded.code, reason = excluded.reason

-- name: advance_streams
-- Rows are locked in one order, so that two ingest processes cannot wait for each other.
WITH heard AS (
    SELECT * FROM unnest(
        %(ids)s::int[], %(received)s::int8multirange[], %(declared)s::int8multirange[], %(last)s::bigint[]
    ) AS heard (id, received, declared, last_seq)
), locked AS (
    SELECT id FROM stream WHERE id = ANY (%(ids)s) ORDER BY id FOR UPDATE
)
UPDATE stream SET
    received = stream.received + heard.received,
    declared = stream.declared + heard.declared,
    last_seq = greatest(stream.last_seq, heard.last_seq),
    last_received_at = clock_timestamp()
FROM heard, locked
WHERE stream.id = heard.id AND stream.id = locked.id
RETURNING stream.id, stream.device_id, stream.boot, stream.received + stream.declared AS safe

-- name: set_status
UPDATE device SET status = %(status)s, status_at = now() WHERE id = %(device)s

-- name: set_meta
UPDATE device SET meta = %(meta)s, name = CASE WHEN name = '' THEN %(name)s ELSE name END WHERE id = %(device)s

-- name: announce_change
SELECT pg_notify('hubwell_change', %(payload)s)
