-- One row per space, for board, API and dashboards. A value older than stale_after() is null: unknown is not empty,
-- and silent is not safe. People appear as the state of the room, and as the newest published count (people_figure)
-- while its window began less than count_shown_for() ago: nothing here counts visits. The row of one person's own
-- room holds no measurement, because its air alone would show when the person is in.
CREATE VIEW space_now AS
WITH fresh AS (
    SELECT n.space_id, n.quantity, n.value, n.time
    FROM series_now n JOIN space s ON s.id = n.space_id AND NOT s.personal
    WHERE n.time > now() - stale_after() AND n.time < now() + stale_after()
), air AS (
    SELECT space_id,
           avg(value) FILTER (WHERE quantity = 'co2') AS co2,
           avg(value) FILTER (WHERE quantity = 'temp') AS temp,
           avg(value) FILTER (WHERE quantity = 'rh') AS rh,
           max(value) FILTER (WHERE quantity = 'noise') AS noise,
           avg(value) FILTER (WHERE quantity = 'light') AS light,
           max(value) FILTER (WHERE quantity = ANY (presence_quantities())) AS presence
    FROM fresh GROUP BY space_id
), heard AS (
    SELECT space_id, max(time) AS last_heard FROM series_now GROUP BY space_id
), checked_in AS (
    SELECT DISTINCT space_id FROM visit
    WHERE upper_inf(during) AND lower(during) > now() - open_visit_ignored_after()
), state AS (
    SELECT s.id AS space_id,
           CASE
               WHEN s.personal THEN 'unknown'
               WHEN c.space_id IS NOT NULL OR a.presence > 0 THEN 'used'
               WHEN a.presence IS NULL THEN 'unknown'
               ELSE 'free'
           END AS state
    FROM space s
    LEFT JOIN air a ON a.space_id = s.id
    LEFT JOIN checked_in c ON c.space_id = s.id
)
SELECT s.id AS space_id, s.name, s.kind, s.capacity, s.zone, s.personal, t.state,
       f.about,
       CASE WHEN f.about IS NOT NULL THEN f.start END AS about_from,
       CASE t.state WHEN 'free' THEN 'nobody' ELSE f.fullness END AS fullness,
       a.co2, a.temp, a.rh, a.noise, a.light, a.presence,
       CASE
           WHEN a.co2 IS NULL THEN 'unknown'
           WHEN a.co2 < co2_fresh_below() THEN 'fresh'
           WHEN a.co2 <= co2_stuffy_up_to() THEN 'stuffy'
           ELSE 'bad'
       END AS air,
       h.last_heard,
       e.rule AS alert_rule, e.opened_at AS alert_since, e.value AS alert_value
FROM space s
JOIN state t ON t.space_id = s.id
LEFT JOIN air a ON a.space_id = s.id
LEFT JOIN heard h ON h.space_id = s.id
LEFT JOIN LATERAL (
    SELECT start, about, fullness FROM people_figure
    WHERE scope = 'space' AND place = s.id AND t.state = 'used' AND start > now() - count_shown_for()
    ORDER BY start DESC LIMIT 1
) f ON true
LEFT JOIN LATERAL (
    SELECT rule, opened_at, value FROM episode
    WHERE space_id = s.id AND resolved_at IS NULL AND NOT s.personal
    ORDER BY opened_at LIMIT 1
) e ON true;
COMMENT ON COLUMN space_now.about IS 'people in the five minutes from about_from, rounded down; null: not told';
