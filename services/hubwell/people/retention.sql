-- Rows of this package's tables that are past their term. Each query is the tail of a DELETE and of a count, which must
-- be 0 after the deletion. hubwell/privacy/retention.py runs them; tables.toml has the terms.

-- name: counted_person
-- An anonymous (counted) person is deleted once no tap and no visit of theirs is left.
FROM person p WHERE kind = 'counted' AND created_at < %(older)s
  AND NOT EXISTS (SELECT FROM tap WHERE person_id = p.id)
  AND NOT EXISTS (SELECT FROM visit WHERE person_id = p.id)

-- name: desk_tap
FROM desk_tap WHERE tapped_at < %(older)s

-- name: class_list
-- The names go with their list.
FROM class_list WHERE used_at < %(older)s

-- name: signed_message
-- Each card's highest counter of that time stays with the card: without it every older message could be copied.
FROM signed_message m WHERE seen_at < %(older)s AND EXISTS (
    SELECT FROM signed_message n WHERE n.credential_id = m.credential_id AND n.counter > m.counter
       AND n.seen_at < %(older)s
)

-- name: session_roll
FROM course_session WHERE roll_until < %(older)s
