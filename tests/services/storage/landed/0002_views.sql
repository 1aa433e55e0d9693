-- One row a space: what board, API and dashboards show. A value older than five minutes is no value: unknown is
-- not empty, silent is not safe. Of people there is the state of the room, and the newest figure of the gate
-- (people_figure) while it is not older than a quarter of an hour: nothing here counts visits. One person's room
-- says nothing: its air alone would tell when they are in.
DROP VIEW space_now;
DROP FUNCTION hubwell_fullness(bigint, int);
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

-- Whether a device is heard, by its readings and its connection. Not by its messages: a door's reader sends one
-- for each tap, and its last message would be somebody's tap. One with readers only is heard while it is online.
CREATE VIEW device_heard AS
SELECT d.id AS device_id,
       greatest(r.newest, CASE WHEN d.status = 'online' THEN d.status_at END) AS last_heard,
       CASE
           WHEN m.sensors = 0 AND m.readers > 0 THEN d.status <> 'online'
           ELSE coalesce(
               greatest(r.newest, CASE WHEN d.status = 'online' THEN d.status_at END)
                   < now() - greatest(interval '5 minutes', 3 * m.slowest_s * interval '1 second'),
               true
           )
       END AS silent
FROM device d
LEFT JOIN (SELECT device_id, max(time) AS newest FROM series_now GROUP BY device_id) r ON r.device_id = d.id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE part = 'sensors') AS sensors,
           count(*) FILTER (WHERE part = 'readers') AS readers,
           max((said ->> 'every_s')::float8) AS slowest_s
    FROM (VALUES ('sensors'), ('readers')) AS parts (part)
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE jsonb_typeof(d.meta -> part) WHEN 'array' THEN d.meta -> part ELSE '[]' END
    ) AS listed (said)
) m;

-- The ledger as dashboards may see it. With the rows of taps left out, and no totals that contain them: a number
-- that steps by one between two messages of a sensor is a tap.
CREATE VIEW ledger_telemetry AS
SELECT received_at, verdict, copies FROM message WHERE kind = 'telemetry';

CREATE VIEW ledger_lost AS
SELECT declared_at, cause, count FROM gap WHERE cause <> 'erased';

CREATE VIEW ledger_complete AS
SELECT s.device_id, s.first_received_at, date_trunc('day', s.last_received_at) AS heard_on,
       greatest(s.last_seq, coalesce(upper(s.received) - 1, 0)) - n.received - n.declared AS missing,
       greatest(n.declared - n.erased, 0) AS declared
FROM stream s
CROSS JOIN LATERAL (
    SELECT (SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(s.received) AS r) AS received,
           (SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(s.declared - s.received) AS r) AS declared,
           (SELECT coalesce(sum(count), 0) FROM gap WHERE stream_id = s.id AND cause = 'erased') AS erased
) n;
