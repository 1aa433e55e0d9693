-- The newest value of every series, with its age left to the reader.
CREATE VIEW series_now AS
SELECT s.id AS series_id, s.device_id, d.space_id, s.name, s.quantity, s.unit, r.time, r.value, r.quality
FROM series s
JOIN device d ON d.id = s.device_id
LEFT JOIN LATERAL (
    SELECT time, value, quality FROM reading WHERE series_id = s.id ORDER BY time DESC LIMIT 1
) r ON true;

-- How full a space is, in a word: numbers of people are shown only for groups (see space_now).
CREATE FUNCTION hubwell_fullness(people bigint, capacity int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
SELECT CASE
    WHEN people = 0 THEN 'nobody'
    WHEN people >= capacity THEN 'full'
    WHEN people < 5 THEN 'a-few'
    WHEN people * 12 < capacity * 5 THEN 'third'
    WHEN people * 12 < capacity * 8 THEN 'half'
    ELSE 'most'
END $$;

-- One row a space: what board, API and dashboards show. A value older than five minutes is no value:
-- unknown is not empty, silent is not safe.
CREATE VIEW space_now AS
WITH fresh AS (
    SELECT space_id, quantity, value, time FROM series_now
    WHERE time > now() - interval '5 minutes' AND time < now() + interval '5 minutes'
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
), visitors AS (
    SELECT space_id, count(*) AS people FROM visit
    WHERE upper_inf(during) AND lower(during) > now() - interval '16 hours' GROUP BY space_id
)
SELECT s.id AS space_id, s.name, s.kind, s.capacity, s.zone,
       CASE
           WHEN coalesce(v.people, 0) > 0 OR a.presence > 0 THEN 'used'
           WHEN a.presence IS NULL THEN 'unknown'
           ELSE 'free'
       END AS state,
       -- Fewer than five people are never a number: see the privacy reference on small groups.
       CASE WHEN v.people >= 5 THEN v.people END AS people_shown,
       CASE
           WHEN v.people > 0 THEN hubwell_fullness(v.people, s.capacity)
           WHEN a.presence = 0 THEN 'nobody'
       END AS fullness,
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
LEFT JOIN air a ON a.space_id = s.id
LEFT JOIN heard h ON h.space_id = s.id
LEFT JOIN visitors v ON v.space_id = s.id
LEFT JOIN episode e ON e.space_id = s.id AND e.resolved_at IS NULL AND e.rule = 'co2-asr-a3.6';
