-- name: known_devices
-- An archived device is as unknown as one that was never registered.
SELECT id, space_id, moved_at FROM device WHERE archived_at IS NULL

-- name: known_series
SELECT id, name, unit FROM series WHERE device_id = %(device)s

-- name: has_series
SELECT FROM series WHERE device_id = %(device)s LIMIT 1

-- name: hand_over_series
UPDATE series SET device_id = %(past)s WHERE device_id = %(device)s

-- name: add_series
-- One that another process has just added is there; one over the limit gives no row.
INSERT INTO series (device_id, name, quantity, unit)
SELECT %(device)s::hub_id, %(name)s::text, %(quantity)s::text, %(unit)s::text
WHERE (SELECT count(*) FROM series WHERE device_id = %(device)s::hub_id) < %(most)s
   OR EXISTS (SELECT FROM series WHERE device_id = %(device)s::hub_id AND name = %(name)s::text)
ON CONFLICT ON CONSTRAINT series_device_name DO UPDATE SET name = excluded.name
RETURNING id, unit

-- name: find_streams
SELECT id, device_id, boot FROM stream
WHERE (device_id, boot) IN (SELECT * FROM unnest(%(devices)s::text[], %(boots)s::uuid[]))

-- name: add_streams
-- As many new ones as the quota of each device has room for; `boots` are in the order in which they are to get one.
INSERT INTO stream (device_id, boot)
SELECT new.device_id, new.boot
FROM (
    SELECT n.device_id, n.boot, row_number() OVER (PARTITION BY n.device_id ORDER BY n.place) AS rank
    FROM unnest(%(devices)s::text[], %(boots)s::uuid[]) WITH ORDINALITY AS n (device_id, boot, place)
    WHERE NOT EXISTS (SELECT FROM stream s WHERE s.device_id = n.device_id AND s.boot = n.boot)
) new
WHERE new.rank + (
    SELECT count(*) FROM stream s WHERE s.device_id = new.device_id AND s.first_received_at > now() - %(within)s
) <= %(most)s
ORDER BY 1, 2
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
RETURNING stream_id, seq, id, (xmax = 0) AS fresh,
          EXISTS (SELECT FROM unstored u WHERE u.stream_id = message.stream_id AND u.seq = message.seq) AS unstored

-- name: count_unstored
WITH new AS (
    SELECT * FROM unnest(%(streams)s::int[], %(seqs)s::bigint[], %(clashing)s::int[], %(refused)s::int[])
           AS new (stream_id, seq, clashing, refused)
), counted AS (
    INSERT INTO unstored (stream_id, seq, clashing, refused) SELECT * FROM new
)
UPDATE message m SET readings = m.readings - new.clashing
FROM new WHERE m.stream_id = new.stream_id AND m.seq = new.seq AND new.clashing > 0

-- name: copy_readings
COPY reading (time, series_id, value, quality) FROM STDIN (FORMAT BINARY)

-- name: insert_readings
INSERT INTO reading (time, series_id, value, quality)
SELECT * FROM unnest(%(times)s::timestamptz[], %(series)s::int[], %(values)s::float8[], %(qualities)s::smallint[])
ON CONFLICT ON CONSTRAINT reading_once DO NOTHING

-- name: clashing_readings
-- Which of these readings meet another value at their instant. A copy with the same value is no clash.
SELECT new.place, d.name, r.time, r.value
FROM unnest(%(times)s::timestamptz[], %(series)s::int[], %(values)s::float8[])
     WITH ORDINALITY AS new (time, series_id, value, place)
JOIN reading r ON r.series_id = new.series_id AND r.time = new.time AND r.value <> new.value
JOIN series d ON d.id = r.series_id
WHERE r.time BETWEEN %(first)s AND %(last)s

-- name: lock_marks
-- In one order everywhere. Rows of "series" would not do: who adds a series locks them earlier in its transaction.
SELECT pg_advisory_xact_lock(hashtextextended('stuck ' || id, 1))
FROM (SELECT unnest(%(series)s::int[]) AS id ORDER BY 1) AS series

-- name: mark_stuck
-- Marks readings from `first` on as stuck (3) or clears the mark (0), and returns those whose mark changed. A reading
-- is stuck if all `reads` readings up to it, and all of `least` before it, have its value. Read are enough readings
-- before `first` to know that of the first one, and all after `last` whose mark may depend on the new ones.
WITH span AS (
    SELECT t.series_id, t.first,
           least(t.first - 2 * %(least)s::interval, coalesce((
               SELECT time FROM reading WHERE series_id = t.series_id AND time < t.first
               ORDER BY time DESC OFFSET %(reads)s - 2 LIMIT 1
           ), '-infinity')) AS begin,
           greatest(t.last + 2 * %(least)s::interval, coalesce((
               SELECT time FROM reading WHERE series_id = t.series_id AND time > t.last
               ORDER BY time OFFSET %(reads)s - 2 LIMIT 1
           ), 'infinity')) AS until
    FROM unnest(%(series)s::int[], %(first)s::timestamptz[], %(last)s::timestamptz[]) AS t (series_id, first, last)
), near AS (
    SELECT s.series_id, s.first, r.time, r.quality,
           (r.value IS DISTINCT FROM lag(r.value) OVER (PARTITION BY s.series_id, s.first ORDER BY r.time))::int AS news
    FROM span s JOIN LATERAL (
        SELECT time, value, quality FROM reading
        WHERE series_id = s.series_id AND time >= s.begin AND time <= s.until OFFSET 0
    ) r ON true
), run AS (
    SELECT *, sum(news) OVER (PARTITION BY series_id, first ORDER BY time) AS run FROM near
), judged AS (
    SELECT series_id, first, time, quality,
           row_number() OVER same >= %(reads)s AND time - min(time) OVER same >= %(least)s AS stuck
    FROM run WINDOW same AS (PARTITION BY series_id, first, run ORDER BY time)
)
UPDATE reading r SET quality = CASE WHEN j.stuck THEN 3 ELSE 0 END
FROM judged j
WHERE r.series_id = j.series_id AND r.time = j.time
  AND j.time >= j.first AND j.quality = CASE WHEN j.stuck THEN 0 ELSE 3 END
RETURNING r.series_id, r.time

-- name: note_change
INSERT INTO reading_change (series, first, last) VALUES (%(series)s::int[], %(first)s, %(last)s)

-- name: one_roll_up_at_a_time
-- Readers and writers of readings do not wait for this lock; a second worker and retention do.
LOCK TABLE reading_hour IN SHARE ROW EXCLUSIVE MODE

-- name: roll_up
-- All of one snapshot: whoever sees a note sees its readings. Hours without readings have no row. What comes out is
-- how many notes were taken.
WITH taken AS (
    DELETE FROM reading_change WHERE id IN (SELECT id FROM reading_change ORDER BY id DESC LIMIT %(most)s)
    RETURNING series, first, last
), due AS (
    SELECT DISTINCT series_id, hour
    FROM (SELECT DISTINCT unnest(series) AS series_id, first, last FROM taken) t
    CROSS JOIN LATERAL generate_series(date_trunc('hour', first, 'UTC'), last, interval '1 hour') hour
), added AS MATERIALIZED (
    SELECT a.* FROM due d CROSS JOIN LATERAL add_up(d.series_id, d.hour) a
), gone AS (
    DELETE FROM reading_hour h USING due d
    WHERE h.series_id = d.series_id AND h.hour = d.hour
      AND NOT EXISTS (SELECT FROM added a WHERE a.series_id = d.series_id AND a.hour = d.hour)
), stored AS (
    INSERT INTO reading_hour SELECT * FROM added
    ON CONFLICT ON CONSTRAINT reading_hour_once DO UPDATE SET
        known = excluded.known, raised = excluded.raised, n = excluded.n, mean = excluded.mean, min = excluded.min,
        max = excluded.max, suspect = excluded.suspect, steps = excluded.steps, step_n = excluded.step_n,
        step_mean = excluded.step_mean, step_min = excluded.step_min, step_max = excluded.step_max,
        step_suspect = excluded.step_suspect
)
SELECT count(*) FROM taken

-- name: add_gap
INSERT INTO gap (stream_id, seq, seqs, cause, count, declared_at)
VALUES (%(stream)s, %(seq)s, %(seqs)s, %(cause)s, %(count)s, %(at)s)
ON CONFLICT ON CONSTRAINT gap_once DO NOTHING

-- name: known_rejected
SELECT digest FROM rejected WHERE digest = ANY (%(digests)s)

-- name: rejected_of_devices
-- What was set aside lately, by device. Strangers, and topics without a device, count together under NULL.
SELECT d.id, count(*), coalesce(sum(octet_length(r.payload)), 0)::bigint
FROM rejected r LEFT JOIN device d ON d.id = r.device_id
WHERE r.first_at > now() - %(within)s AND (d.id = ANY (%(devices)s) OR (%(strangers)s AND d.id IS NULL))
GROUP BY d.id

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
-- What arrived, per device and day of the hub. A message without a readable time counts on its arrival day. Days are
-- those of the messages' own time; what arrived lately is shown however old it is, as a recording is.
SELECT s.device_id, (coalesce(m.time, m.received_at) AT TIME ZONE %(zone)s)::date AS day,
       count(*) FILTER (WHERE m.verdict = 'stored') AS stored,
       count(*) FILTER (WHERE m.verdict = 'rejected') AS rejected,
       sum(m.copies - 1)::bigint AS duplicated,
       sum(m.readings)::bigint AS readings,
       coalesce(sum(u.clashing), 0)::bigint AS clashing,
       coalesce(sum(u.refused), 0)::bigint AS readings_refused
FROM message m JOIN stream s ON s.id = m.stream_id
LEFT JOIN unstored u ON u.stream_id = m.stream_id AND u.seq = m.seq
WHERE (m.time >= %(since)s OR m.received_at >= %(since)s) AND (%(device)s::text IS NULL OR s.device_id = %(device)s)
GROUP BY 1, 2

-- name: audit_unnumbered
-- Rejected messages that stand in no ledger. Their number could not be read, and each copy counts; or the device keeps
-- them and sends them again: a stranger's, which count until it is registered, and those of a boot past the quota,
-- which count until the boot gets its stream.
SELECT r.device_id, (r.last_at AT TIME ZONE %(zone)s)::date AS day,
       sum(CASE WHEN k.is_kept THEN 1 ELSE r.copies END)::bigint AS rejected,
       sum(CASE WHEN k.is_kept THEN r.copies - 1 ELSE 0 END)::bigint AS duplicated
FROM rejected r
LEFT JOIN device d ON d.id = r.device_id AND d.archived_at IS NULL
LEFT JOIN stream s ON s.device_id = r.device_id AND s.boot = r.boot
CROSS JOIN LATERAL (SELECT r.code = 'unknown-device' OR r.boot IS NOT NULL AND r.seq IS NOT NULL) k (is_kept)
WHERE r.device_id IS NOT NULL AND r.last_at >= %(since)s
  AND (r.seq IS NULL OR r.boot IS NULL OR d.id IS NOT NULL AND s.id IS NULL)
  AND (r.code <> 'unknown-device' OR d.id IS NULL)
  AND (%(device)s::text IS NULL OR r.device_id = %(device)s)
GROUP BY 1, 2

-- name: audit_holes
-- Numbers that a device gave out and that are not in the ledger. A hole belongs to the day of the message
-- after it; a hole at the end belongs to the last day heard. What the device declared of a hole is a part of
-- its own, which is explained. What is missing before a message of the last minute may come: after a restart a
-- device repeats what has no receipt 20 s later than it sends what is new.
WITH numbered AS (
    SELECT m.stream_id, m.seq, lag(m.seq, 1, 0::bigint) OVER (PARTITION BY m.stream_id ORDER BY m.seq) AS before,
           coalesce(m.time, m.received_at) AS time, greatest(m.time, m.received_at) AS latest,
           m.received_at > now() - interval '1 minute' AS may_come
    FROM message m
), holes AS (
    SELECT stream_id, int8multirange(int8range(before + 1, seq)) AS numbers, time, latest, may_come
    FROM numbered WHERE seq > before + 1
    UNION ALL
    SELECT s.id, int8multirange(int8range(coalesce(max(m.seq), 0) + 1, s.last_seq, '[]')), s.last_received_at,
           s.last_received_at, true
    FROM stream s LEFT JOIN message m ON m.stream_id = s.id
    GROUP BY s.id HAVING s.last_seq > coalesce(max(m.seq), 0)
), parts AS (
    SELECT h.stream_id, h.time, h.may_come, s.device_id, s.boot, part.explained, unnest(part.numbers) AS numbers
    FROM holes h JOIN stream s ON s.id = h.stream_id CROSS JOIN LATERAL (
        VALUES (h.numbers * s.declared, true), (h.numbers - s.declared, false)
    ) AS part (numbers, explained)
    WHERE h.latest >= %(since)s AND (%(device)s::text IS NULL OR s.device_id = %(device)s)
)
SELECT p.device_id, p.boot, (p.time AT TIME ZONE %(zone)s)::date AS day,
       lower(p.numbers) AS first, upper(p.numbers) - 1 AS last, p.may_come, p.explained,
       (SELECT string_agg(DISTINCT g.cause, ', ') FROM gap g
        WHERE g.stream_id = p.stream_id AND g.seqs && p.numbers) AS declared
FROM parts p
ORDER BY p.device_id, p.time, first

-- name: audit_lost_before_numbering
-- What a device could not even number (its disk was full), as it declared.
SELECT s.device_id, (g.declared_at AT TIME ZONE %(zone)s)::date AS day, g.cause, sum(g.count)::bigint AS count
FROM gap g JOIN stream s ON s.id = g.stream_id
LEFT JOIN message m ON m.stream_id = g.stream_id AND m.seq = g.seq
WHERE g.seqs IS NULL AND (g.declared_at >= %(since)s OR m.received_at >= %(since)s)
  AND (%(device)s::text IS NULL OR s.device_id = %(device)s)
GROUP BY 1, 2, 3

-- name: newest_rejected
SELECT last_at, topic, code, reason, copies, size FROM rejected ORDER BY last_at DESC LIMIT %(most)s

-- name: losses
-- What is missing of boots that were heard lately, by device: numbers below the highest that came or was declared, those
-- above it that the device gave out, and those that it declared it dropped. How many it sent is left out: a total that
-- rises by one would show a tap.
SELECT s.device_id, sum(n.highest - n.covered)::bigint AS missing,
       sum(greatest(s.last_seq - n.highest, 0))::bigint AS to_come, sum(greatest(n.declared - n.erased, 0))::bigint AS dropped
FROM stream s
CROSS JOIN LATERAL (
    SELECT coalesce(upper(s.received + s.declared) - 1, 0) AS highest,
           (SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(s.received + s.declared) AS r) AS covered,
           (SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(s.declared - s.received) AS r) AS declared,
           (SELECT coalesce(sum(count), 0) FROM gap WHERE stream_id = s.id AND cause = 'erased') AS erased
) n
WHERE s.last_received_at >= %(since)s AND (%(device)s::text IS NULL OR s.device_id = %(device)s)
GROUP BY s.device_id

-- name: declared_losses
-- By cause; an erasure is about a person.
SELECT g.cause, sum(g.count)::bigint AS count, max(g.declared_at) AS last_at
FROM gap g JOIN stream s ON s.id = g.stream_id
WHERE s.device_id = %(device)s AND g.cause <> 'erased' AND g.declared_at >= %(since)s
GROUP BY 1 ORDER BY 1

-- name: refused_of_device
-- By code, with the newest reason. Events are left out, because the time of a refused tap is that of a person, and what
-- was set aside before the device was registered, because the device keeps that.
SELECT r.code, sum(r.copies)::bigint AS count, max(r.last_at) AS last_at,
       (array_agg(r.reason ORDER BY r.last_at DESC))[1] AS reason
FROM rejected r
WHERE r.device_id = %(device)s AND r.last_at >= %(since)s AND r.code <> 'unknown-device' AND r.topic NOT LIKE '%%/up/event'
GROUP BY 1 ORDER BY 3 DESC

-- name: refused_by_device
SELECT r.device_id, sum(r.copies)::bigint AS count
FROM rejected r
WHERE r.device_id IS NOT NULL AND r.last_at >= %(since)s AND r.code <> 'unknown-device' AND r.topic NOT LIKE '%%/up/event'
GROUP BY 1
