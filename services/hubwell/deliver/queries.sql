-- name: add_event
INSERT INTO event (type, occurred_at, space_id, payload)
VALUES (%(type)s, %(at)s, %(space)s, %(payload)s) RETURNING id

-- name: add_delivery
INSERT INTO delivery (event_id, channel, target) VALUES (%(event)s, %(channel)s, %(target)s)
ON CONFLICT ON CONSTRAINT delivery_once DO NOTHING

-- name: find_delivery
-- Locked, so that two workers cannot send the same thing at the same time.
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
