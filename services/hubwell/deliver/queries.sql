-- name: add_event
INSERT INTO event (type, occurred_at, space_id, payload)
VALUES (%(type)s, %(at)s, %(space)s, %(payload)s)
RETURNING id, coalesce((SELECT personal FROM space WHERE id = %(space)s), false)

-- name: add_delivery
INSERT INTO delivery (event_id, channel, target) VALUES (%(event)s, %(channel)s, %(target)s)
ON CONFLICT ON CONSTRAINT delivery_once DO NOTHING

-- name: find_delivery
-- Not locked, because the answer of another server is waited for next. One worker has the delivery's job.
SELECT e.id, e.type, e.occurred_at, e.space_id, s.name AS space_name, e.payload, d.attempts
FROM delivery d JOIN event e ON e.id = d.event_id LEFT JOIN space s ON s.id = e.space_id
WHERE d.event_id = %(event)s AND d.channel = %(channel)s AND d.target = %(target)s
  AND d.delivered_at IS NULL

-- name: claim_delivery
-- Locked, so that two workers cannot show the same thing at the same time.
SELECT e.id, e.type, e.occurred_at, e.space_id, s.name AS space_name, e.payload, d.attempts
FROM delivery d JOIN event e ON e.id = d.event_id LEFT JOIN space s ON s.id = e.space_id
WHERE d.event_id = %(event)s AND d.channel = %(channel)s AND d.target = %(target)s
  AND d.delivered_at IS NULL
FOR UPDATE OF d

-- name: delivered
UPDATE delivery SET delivered_at = now(), attempts = attempts + 1, last_error = NULL
WHERE event_id = %(event)s AND channel = %(channel)s AND target = %(target)s

-- name: failed
UPDATE delivery SET attempts = attempts + 1, last_error = %(error)s
WHERE event_id = %(event)s AND channel = %(channel)s AND target = %(target)s

-- name: sort_into_lanes
-- Jobs that a release without lanes has queued.
UPDATE procrastinate_jobs SET queue_name = args->>'channel'
WHERE task_name = 'hubwell.deliver' AND queue_name = 'default' AND status = 'todo'
