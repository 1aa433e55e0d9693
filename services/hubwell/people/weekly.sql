-- name: space_for_sessions
-- Whether sessions can be in a space, and whether it is a place to rest.
SELECT NOT personal AND archived_at IS NULL AND kind <> %(relaxation)s, kind = %(relaxation)s
FROM space WHERE id = %(space)s

-- name: overlaps_of_series
SELECT p.start FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS p (start, until)
WHERE EXISTS (
    SELECT FROM course_session s WHERE s.owner_id = %(owner)s AND s.during && tstzrange(p.start, p.until)
) ORDER BY 1

-- name: add_series
INSERT INTO course_session (title, purpose, space_id, during, owner_id, roll_until, series_id)
SELECT %(title)s, %(purpose)s, %(space)s, tstzrange(p.start, p.until), %(owner)s, p.roll_until, %(series)s
FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[], %(untils)s::timestamptz[])
     AS p (start, until, roll_until)

-- name: sessions_of_series
SELECT s.id, s.title, s.purpose, p.name AS space, lower(s.during) AS start, upper(s.during) AS end, s.roll_until,
       s.series_id
FROM course_session s JOIN space p ON p.id = s.space_id
WHERE s.series_id = %(series)s AND s.owner_id = %(owner)s AND s.roll_until > %(now)s ORDER BY lower(s.during), s.id

-- name: delete_series
DELETE FROM course_session WHERE series_id = %(series)s AND owner_id = %(owner)s AND lower(during) >= %(since)s
