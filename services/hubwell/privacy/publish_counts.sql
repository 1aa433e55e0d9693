-- name: one_at_a_time
-- Prevents two workers from closing the same window.
LOCK TABLE people_gate IN EXCLUSIVE MODE

-- name: rooms
SELECT id, zone, capacity, personal FROM space ORDER BY id

-- name: last_closed
SELECT max(start) FROM people_figure

-- name: people_in_window
-- Each person once, in their last space of the window. Too long an open visit is a forgotten one and ignored.
SELECT space_id, count(*)
FROM (
    SELECT DISTINCT ON (person_id) person_id, space_id FROM visit
    WHERE during && tstzrange(%(start)s, %(end)s) AND lower(during) > %(start)s - %(longest)s::interval
    ORDER BY person_id, lower(during) DESC
) AS present
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
