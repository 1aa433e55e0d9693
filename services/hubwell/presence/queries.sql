-- name: lock_badge
-- Two taps of one badge are worked out one after the other; the lock ends with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended(encode(%(badge)s, 'hex'), 0))

-- name: add_tap
INSERT INTO tap (stream_id, seq, time, badge, epoch, reader, space_id)
VALUES (%(stream)s, %(seq)s, %(time)s, %(badge)s, %(epoch)s, %(reader)s, %(space)s)
ON CONFLICT ON CONSTRAINT tap_once DO NOTHING

-- name: taps_since
SELECT time, space_id FROM tap WHERE badge = %(badge)s AND space_id IS NOT NULL AND time >= %(since)s

-- name: certainly_out_before
-- Walks back from the tap before a time, from tap to tap, to the first one that follows a silence longer than
-- anybody stays. Each step is one look into the index; most people are out over night.
WITH RECURSIVE run AS (
    SELECT max(time) AS time FROM tap
    WHERE badge = %(badge)s AND space_id IS NOT NULL AND time < %(time)s
    UNION ALL
    SELECT (SELECT max(tap.time) FROM tap
            WHERE badge = %(badge)s AND space_id IS NOT NULL
              AND tap.time < run.time AND tap.time >= run.time - %(longest)s)
    FROM run WHERE run.time IS NOT NULL
)
SELECT min(time) FROM run

-- name: visits_since
SELECT id, space_id, lower(during), upper(during), ended_by FROM visit
WHERE badge = %(badge)s AND lower(during) >= %(since)s

-- name: delete_visits
DELETE FROM visit WHERE id = ANY (%(ids)s)

-- name: add_visit
INSERT INTO visit (badge, space_id, during, ended_by)
VALUES (%(badge)s, %(space)s, tstzrange(%(start)s, %(end)s), %(ended_by)s)

-- name: forgotten
-- Visits that nobody closed, longer ago than anybody stays.
UPDATE visit SET during = tstzrange(lower(during), lower(during) + %(longest)s), ended_by = 'inferred'
WHERE upper_inf(during) AND lower(during) < %(now)s - %(longest)s
RETURNING space_id
