-- Each query is the tail of a DELETE and of a count: the same rows are deleted and then looked for.

-- name: tap
-- Taps of a visit that lasts, or that ended within the time, stay with it: a late tap works them out together.
FROM tap t WHERE t.time < %(older)s AND NOT EXISTS (
    SELECT FROM visit v WHERE v.person_id = t.person_id AND lower(v.during) <= t.time
      AND (upper_inf(v.during) OR upper(v.during) >= %(older)s)
)

-- name: visit
FROM visit WHERE upper(during) < %(older)s

-- name: counted_person
-- Somebody who was only counted is nobody once no tap and no visit of theirs is left.
FROM person p WHERE kind = 'counted' AND created_at < %(older)s
  AND NOT EXISTS (SELECT FROM tap WHERE person_id = p.id)
  AND NOT EXISTS (SELECT FROM visit WHERE person_id = p.id)

-- name: desk_tap
FROM desk_tap WHERE tapped_at < %(older)s

-- name: code
FROM visit_code WHERE expires_at < %(older)s

-- name: sign_in
FROM sign_in WHERE expires_at < %(older)s

-- name: session_roll
FROM course_session WHERE roll_until < %(older)s

-- name: suspicion
FROM suspicion WHERE at < %(older)s

-- name: muster_list
FROM muster_person l USING muster m WHERE m.id = l.muster_id AND m.closed_at < %(older)s

-- name: muster_list_left
FROM muster_person l JOIN muster m ON m.id = l.muster_id WHERE m.closed_at < %(older)s

-- name: muster_report
FROM muster WHERE closed_at < %(older)s

-- name: tombstone
FROM erased WHERE until < %(older)s

-- name: rejected_payload
FROM rejected WHERE last_at < %(older)s AND octet_length(payload) > 0

-- name: empty_rejected_payload
UPDATE rejected SET payload = '' WHERE last_at < %(older)s AND octet_length(payload) > 0

-- name: delivery
FROM event WHERE recorded_at < %(older)s

-- name: reading
FROM reading WHERE time < %(older)s

-- name: proof
FROM deletion WHERE ran_at < %(older)s

-- name: audit_log
FROM audit_entry WHERE at < %(older)s

-- name: record
INSERT INTO deletion (class, why, older_than, rows, left_over, ran_at)
VALUES (%(class)s, 'retention', %(older)s, %(rows)s, %(left_over)s, %(now)s)

-- name: recorded_since
SELECT DISTINCT class FROM deletion WHERE why = 'retention' AND ran_at > %(since)s

-- name: newest_proofs
SELECT id, class, why, older_than, rows, left_over, ran_at FROM deletion ORDER BY id DESC LIMIT %(most)s

-- name: last_proof_of_each
SELECT DISTINCT ON (class) id, class, why, older_than, rows, left_over, ran_at FROM deletion
WHERE why = 'retention' ORDER BY class, id DESC
