-- Why a space has no value of a quantity, from the states of its series (see series_now); null without series.
CREATE FUNCTION missing_reason(states text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    CASE WHEN 'in-doubt' = ANY (states) THEN 'in-doubt' WHEN states IS NOT NULL THEN 'silent' END;

-- One row per space, for board, API and dashboards. A value that does not count (see series_now.current) is null:
-- unknown is not empty, and silent is not safe; air_reason and presence_reason say why there is none, and
-- air_unjudged why the air rule cannot judge the space now. People appear as the state of the room, and as the newest published count (people_figure)
-- while the newest window began less than count_shown_for() ago: nothing here counts visits. A number that was
-- counted in an earlier window than the newest one is shown without a window. Where sensors see no person although
-- somebody is checked in, the space is free with check_outs_missing: how many are missing is a small group's number
-- and is not told. The row of one person's own room holds no measurement, because its air alone would show when the
-- person is in.
CREATE VIEW space_now AS
WITH fresh AS (
    SELECT n.space_id, n.name, n.quantity, n.value, n.time
    FROM series_now n JOIN space s ON s.id = n.space_id AND NOT s.personal
    WHERE n.current
), air AS (
    SELECT space_id,
           avg(value) FILTER (WHERE quantity = 'co2') AS co2,
           avg(value) FILTER (WHERE quantity = 'temp') AS temp,
           avg(value) FILTER (WHERE quantity = 'rh') AS rh,
           max(value) FILTER (WHERE quantity = 'noise') AS noise,
           avg(value) FILTER (WHERE quantity = 'light') AS light,
           max(value) FILTER (WHERE sees_people(quantity, name)) AS presence
    FROM fresh GROUP BY space_id
), heard AS (
    SELECT space_id, max(time) AS last_heard,
           missing_reason(array_agg(state) FILTER (WHERE quantity = 'co2')) AS air_reason,
           bool_and(seldom) FILTER (WHERE quantity = 'co2' AND current) AS seldom,
           missing_reason(array_agg(state) FILTER (WHERE sees_people(quantity, name))) AS presence_reason
    FROM series_now GROUP BY space_id
), checked_in AS (
    SELECT space_id, max(lower(during)) AS newest FROM visit
    WHERE upper_inf(during) AND lower(during) > now() - open_visit_ignored_after()
    GROUP BY space_id
), state AS (
    SELECT s.id AS space_id,
           CASE
               WHEN s.personal THEN 'unknown'
               WHEN a.presence > 0 OR c.space_id IS NOT NULL AND NOT f.forgotten THEN 'used'
               WHEN a.presence IS NULL THEN 'unknown'
               ELSE 'free'
           END AS state,
           NOT s.personal AND coalesce(a.presence <= 0, false) AND f.forgotten AS check_outs_missing
    FROM space s
    LEFT JOIN air a ON a.space_id = s.id
    LEFT JOIN checked_in c ON c.space_id = s.id
    CROSS JOIN LATERAL (
        SELECT CASE WHEN c.newest <= now() - nobody_sensed_after() THEN NOT s.personal AND nobody_sensed(s.id, now()) ELSE false END
            AS forgotten
    ) f
)
SELECT s.id AS space_id, s.name, s.kind, s.capacity, s.zone, s.personal, t.state,
       t.check_outs_missing,
       f.about, f.counted_from AS about_from,
       CASE WHEN t.state <> 'free' THEN f.fullness WHEN NOT t.check_outs_missing THEN 'nobody' END AS fullness,
       a.co2, a.temp, a.rh, a.noise, a.light, a.presence,
       CASE
           WHEN a.co2 IS NULL THEN 'unknown'
           WHEN a.co2 < co2_fresh_below() THEN 'fresh'
           WHEN a.co2 <= co2_stuffy_up_to() THEN 'stuffy'
           ELSE 'bad'
       END AS air,
       CASE WHEN a.co2 IS NULL AND NOT s.personal THEN coalesce(h.air_reason, 'no-sensor') END AS air_reason,
       CASE
           WHEN a.presence IS NULL AND NOT s.personal THEN coalesce(h.presence_reason, 'no-sensor')
       END AS presence_reason,
       CASE
           WHEN s.personal THEN NULL
           WHEN a.co2 IS NULL THEN h.air_reason
           WHEN h.seldom THEN 'too-seldom'
           WHEN t.state = 'unknown' THEN 'people-unknown'
       END AS air_unjudged,
       h.last_heard,
       e.rule AS alert_rule, e.opened_at AS alert_since, e.value AS alert_value
FROM space s
JOIN state t ON t.space_id = s.id
LEFT JOIN air a ON a.space_id = s.id
LEFT JOIN heard h ON h.space_id = s.id
LEFT JOIN people_now f ON f.scope = 'space' AND f.place = s.id AND t.state = 'used'
LEFT JOIN LATERAL (
    SELECT rule, opened_at, value FROM episode
    WHERE space_id = s.id AND resolved_at IS NULL AND NOT s.personal
    ORDER BY opened_at LIMIT 1
) e ON true
WHERE s.archived_at IS NULL;
COMMENT ON COLUMN space_now.about IS 'people, rounded down, as last counted; null: not told';
COMMENT ON COLUMN space_now.about_from IS 'start of the window in which they were counted, if that is the newest one';
