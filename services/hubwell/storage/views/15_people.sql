-- Whether a series is the number of people that a sensor counts in its space.
CREATE FUNCTION is_headcount(series text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN series = headcount() OR series LIKE '%/' || headcount();

-- Whether a series shows that people are present, by a switch or by their number.
CREATE FUNCTION sees_people(quantity text, series text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN quantity = ANY (presence_quantities()) OR is_headcount(series);

-- Whether a space's sensors saw no person in the last nobody_sensed_after() before a time, and were heard from the
-- beginning of it to its end. The one rule by which an open visit is taken for a forgotten check-out: board, finder,
-- figures, muster and the limit of a full space ask it.
CREATE FUNCTION nobody_sensed(place text, moment timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        min(r.time) <= moment - nobody_sensed_after()
            AND max(r.time) > moment - stale_after()
            AND max(r.value) FILTER (WHERE r.time > moment - nobody_sensed_after()) <= 0,
        false
    )
    FROM device d
    JOIN series s ON s.device_id = d.id AND sees_people(s.quantity, s.name)
    CROSS JOIN LATERAL (
        SELECT time, value FROM reading
        WHERE series_id = s.id AND quality < suspect()
          AND time > moment - nobody_sensed_after() - stale_after() AND time <= moment
        OFFSET 0 -- keeps the planner from joining first: each series is a range of the primary key
    ) r
    WHERE d.space_id = place
$$;

-- The newest published number of each space, zone and the hub, while its newest window began less than
-- count_shown_for() ago. A number is of the window in which it was counted (counted_from); one that is held since an
-- earlier window is shown without a window, because the group may have changed by a few people meanwhile.
CREATE VIEW people_now AS
SELECT newest.scope, newest.place, number.about, number.fullness,
       CASE WHEN number.about IS NOT NULL AND newest.start = number.start THEN number.start END AS counted_from
FROM (
    SELECT DISTINCT ON (scope, place) scope, place, start FROM people_figure
    WHERE start > now() - count_shown_for() ORDER BY scope, place, start DESC
) newest
CROSS JOIN LATERAL (
    SELECT start, about, fullness FROM people_figure f
    WHERE f.scope = newest.scope AND f.place = newest.place AND f.start <= newest.start
      AND f.withheld IS DISTINCT FROM 'held'
    ORDER BY start DESC LIMIT 1
) number;
