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

-- name: copy_messages
COPY message (stream_id, seq, id, time, kind, verdict, readings, copies) FROM STDIN (FORMAT BINARY)

-- name: add_messages
-- A message that is already there counts one copy more and is told apart by "fresh". Its parameters are binary:
-- in text, quoting the arrays would cost more than inserting them.
INSERT INTO message (stream_id, seq, id, time, kind, verdict, readings, copies)
SELECT * FROM unnest(
    %(streams)b::int[], %(seqs)b::bigint[], %(ids)b::uuid[], %(times)b::timestamptz[],
    %(kinds)b::text[], %(verdicts)b::text[], %(readings)b::int[], %(copies)b::int[]
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
-- Rows are locked in one order, so that two ingest processes cannot wait for each other; and without their
-- keys (NO KEY), because every new row of "message" holds a share of its stream's key until the commit.
WITH heard AS (
    SELECT * FROM unnest(
        %(ids)s::int[], %(received)s::int8multirange[], %(declared)s::int8multirange[], %(last)s::bigint[]
    ) AS heard (id, received, declared, last_seq)
), locked AS (
    SELECT id FROM stream WHERE id = ANY (%(ids)s) ORDER BY id FOR NO KEY UPDATE
)
UPDATE stream SET
    received = stream.received + heard.received,
    declared = stream.declared + heard.declared,
    last_seq = greatest(stream.last_seq, heard.last_seq),
    last_received_at = clock_timestamp()
FROM heard, locked
WHERE stream.id = heard.id AND stream.id = locked.id
RETURNING stream.id, stream.device_id, stream.boot, stream.received + stream.declared AS safe

-- name: audit_days
-- What arrived, per device and day of the hub. A message without a readable time counts on its arrival day.
SELECT s.device_id, (coalesce(m.time, m.received_at) AT TIME ZONE %(zone)s)::date AS day,
       count(*) FILTER (WHERE m.verdict = 'stored') AS stored,
       count(*) FILTER (WHERE m.verdict = 'rejected') AS rejected,
       sum(m.copies - 1)::bigint AS duplicated,
       sum(m.readings)::bigint AS readings
FROM message m JOIN stream s ON s.id = m.stream_id
WHERE coalesce(m.time, m.received_at) >= %(since)s AND (%(device)s::text IS NULL OR s.device_id = %(device)s)
GROUP BY 1, 2

-- name: audit_unnumbered
-- Rejected messages that stand in no ledger. Their number could not be read, and each copy counts; or they
-- came from a stranger, who keeps them and sends them again, and they count until it is registered.
SELECT r.device_id, (r.last_at AT TIME ZONE %(zone)s)::date AS day,
       sum(CASE r.code WHEN 'unknown-device' THEN 1 ELSE r.copies END)::bigint AS rejected,
       sum(CASE r.code WHEN 'unknown-device' THEN r.copies - 1 ELSE 0 END)::bigint AS duplicated
FROM rejected r
WHERE (r.seq IS NULL OR r.boot IS NULL) AND r.device_id IS NOT NULL AND r.last_at >= %(since)s
  AND (r.code <> 'unknown-device' OR NOT EXISTS (SELECT FROM device d WHERE d.id = r.device_id))
  AND (%(device)s::text IS NULL OR r.device_id = %(device)s)
GROUP BY 1, 2

-- name: audit_holes
-- Numbers that a device gave out and that are not in the ledger. A hole belongs to the day of the message
-- after it; a hole at the end belongs to the last day heard. What the device declared of a hole is a part of
-- its own, which is explained.
WITH numbered AS (
    SELECT m.stream_id, m.seq, lag(m.seq, 1, 0::bigint) OVER (PARTITION BY m.stream_id ORDER BY m.seq) AS before,
           coalesce(m.time, m.received_at) AS time
    FROM message m
), holes AS (
    SELECT stream_id, int8multirange(int8range(before + 1, seq)) AS numbers, time, false AS at_end
    FROM numbered WHERE seq > before + 1
    UNION ALL
    SELECT s.id, int8multirange(int8range(coalesce(max(m.seq), 0) + 1, s.last_seq, '[]')), s.last_received_at, true
    FROM stream s LEFT JOIN message m ON m.stream_id = s.id
    GROUP BY s.id HAVING s.last_seq > coalesce(max(m.seq), 0)
), parts AS (
    SELECT h.stream_id, h.time, h.at_end, s.device_id, s.boot, part.explained, unnest(part.numbers) AS numbers
    FROM holes h JOIN stream s ON s.id = h.stream_id CROSS JOIN LATERAL (
        VALUES (h.numbers * s.declared, true), (h.numbers - s.declared, false)
    ) AS part (numbers, explained)
    WHERE h.time >= %(since)s AND (%(device)s::text IS NULL OR s.device_id = %(device)s)
)
SELECT p.device_id, p.boot, (p.time AT TIME ZONE %(zone)s)::date AS day,
       lower(p.numbers) AS first, upper(p.numbers) - 1 AS last, p.at_end, p.explained,
       (SELECT string_agg(DISTINCT g.cause, ', ') FROM gap g
        WHERE g.stream_id = p.stream_id AND g.seqs && p.numbers) AS declared
FROM parts p
ORDER BY p.device_id, p.time, first

-- name: audit_lost_before_numbering
-- What a device could not even number (its disk was full), as it declared.
SELECT s.device_id, (g.declared_at AT TIME ZONE %(zone)s)::date AS day, g.cause, sum(g.count)::bigint AS count
FROM gap g JOIN stream s ON s.id = g.stream_id
WHERE g.seqs IS NULL AND g.declared_at >= %(since)s AND (%(device)s::text IS NULL OR s.device_id = %(device)s)
GROUP BY 1, 2, 3

-- name: newest_rejected
SELECT last_at, topic, code, reason, copies, size FROM rejected ORDER BY last_at DESC LIMIT %(most)s
