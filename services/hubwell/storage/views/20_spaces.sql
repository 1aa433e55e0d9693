-- One row a space: what board, API and dashboards show. A value older than five minutes is no value: unknown is
-- not empty, silent is not safe. Of people there is the state of the room, and the newest figure of the gate
-- (people_figure) while it is not older than a quarter of an hour: nothing here counts visits. One person's room
-- says nothing: its air alone would tell when they are in.
CREATE VIEW space_now AS
WITH fresh AS (
    SELECT n.space_id, n.quantity, n.value, n.time
    FROM series_now n JOIN space s ON s.id = n.space_id AND NOT s.personal
    WHERE n.time > now() - interval '5 minutes' AND n.time < now() + interval '5 minutes'
), air AS (
    SELECT space_id,
           avg(value) FILTER (WHERE quantity = 'co2') AS co2,
           avg(value) FILTER (WHERE quantity = 'temp') AS temp,
           avg(value) FILTER (WHERE quantity = 'rh') AS rh,
           max(value) FILTER (WHERE quantity = 'noise') AS noise,
           avg(value) FILTER (WHERE quantity = 'light') AS light,
           max(value) FILTER (WHERE quantity IN ('presence', 'motion', 'occupancy')) AS presence
    FROM fresh GROUP BY space_id
), heard AS (
    SELECT space_id, max(time) AS last_heard FROM series_now GROUP BY space_id
), checked_in AS (
    SELECT DISTINCT space_id FROM visit
    WHERE upper_inf(during) AND lower(during) > now() - interval '16 hours'
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
           WHEN a.co2 < 1000 THEN 'fresh'
           WHEN a.co2 <= 2000 THEN 'stuffy'
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
    WHERE scope = 'space' AND place = s.id AND t.state = 'used' AND start > now() - interval '20 minutes'
    ORDER BY start DESC LIMIT 1
) f ON true
LEFT JOIN episode e
    ON e.space_id = s.id AND e.resolved_at IS NULL AND e.rule = 'co2-asr-a3.6' AND NOT s.personal;
COMMENT ON COLUMN space_now.about IS 'people in the five minutes from about_from, rounded down; null: not told';
