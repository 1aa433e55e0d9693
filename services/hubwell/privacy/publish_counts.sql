-- name: one_at_a_time
-- Prevents two workers from closing the same window.
LOCK TABLE people_gate IN EXCLUSIVE MODE

-- name: rooms
SELECT id, zone, capacity, personal FROM space WHERE archived_at IS NULL ORDER BY id

-- name: last_closed
SELECT max(start) FROM people_figure

-- name: people_in_window
-- Each person once, in their last space of the window. A visit that goes on for too long, or where sensors see no
-- person, is a forgotten check-out and ignored. Only people whom staff enrolled: anybody can bring four unknown
-- cards, and the number of five would then be about one person.
SELECT space_id, count(*)
FROM (
    SELECT DISTINCT ON (v.person_id) v.person_id, v.space_id, v.during
    FROM visit v JOIN person p ON p.id = v.person_id AND p.kind = 'enrolled'
    WHERE v.during && tstzrange(%(start)s, %(end)s) AND lower(v.during) > %(start)s - %(longest)s::interval
    ORDER BY v.person_id, lower(v.during) DESC
) AS present
WHERE NOT (
    lower(during) <= %(end)s - nobody_sensed_after() AND coalesce(upper(during) > %(end)s, true)
    AND space_id IN (SELECT id FROM space WHERE nobody_sensed(id, %(end)s) OFFSET 0)
)
GROUP BY space_id

-- name: held
SELECT scope, place, people FROM people_gate

-- name: hold
INSERT INTO people_gate (scope, place, people, start) VALUES (%(scope)s, %(place)s, %(people)s, %(start)s)
ON CONFLICT ON CONSTRAINT people_gate_once DO UPDATE SET people = excluded.people, start = excluded.start

-- name: let_go
-- Spaces and zones that no longer exist.
DELETE FROM people_gate WHERE start < %(start)s

-- name: publish
-- Published figures are never revised.
INSERT INTO people_figure (scope, place, start, about, fullness, withheld)
VALUES (%(scope)s, %(place)s, %(start)s, %(about)s, %(fullness)s, %(withheld)s)
ON CONFLICT ON CONSTRAINT people_figure_once DO NOTHING

-- name: prune
DELETE FROM people_figure WHERE start < %(before)s
