-- name: spaces
-- One row a space, with when its sensors of presence and of air were last heard.
SELECT n.space_id AS id, n.name, n.kind, n.capacity, n.zone, n.personal, n.state,
       n.check_outs_missing, n.about AS people, n.about_from AS people_from, n.fullness,
       n.air, n.air_reason, n.presence_reason, n.air_unjudged, n.co2, n.temp, n.rh, n.noise, n.light, n.last_heard,
       heard.presence AS presence_heard, heard.co2 AS air_heard,
       coalesce(heard.silent, 0) AS silent_sensors,
       place.opens_at, place.closes_at, place.features, place.equipment, place.names
FROM space_shown n
JOIN space place ON place.id = n.space_id
LEFT JOIN (
    SELECT space_id,
           max(heard) FILTER (WHERE sees_people(quantity, name)) AS presence,
           max(heard) FILTER (WHERE quantity = 'co2') AS co2,
           count(DISTINCT (device_id, split_part(name, '/', 1))) FILTER (WHERE state = 'silent') AS silent
    FROM series_shown GROUP BY space_id
) heard ON heard.space_id = n.space_id
WHERE %(ids)s::text[] IS NULL OR n.space_id = ANY (%(ids)s::text[])
ORDER BY array_position(space_kinds(), n.kind), place.position, n.name

-- name: open_alerts
SELECT e.id, e.rule, e.rule_version, e.space_id, s.name AS space_name, e.opened_at, e.resolved_at,
       e.value, e.peak, e.evidence
FROM episode e JOIN space s ON s.id = e.space_id AND s.archived_at IS NULL
WHERE e.resolved_at IS NULL AND (%(ids)s::text[] IS NULL OR e.space_id = ANY (%(ids)s::text[]))
  AND (%(exact)s OR NOT s.personal)
ORDER BY e.opened_at DESC

-- name: recent_alerts
SELECT e.id, e.rule, e.rule_version, e.space_id, s.name AS space_name, e.opened_at, e.resolved_at,
       e.value, e.peak, e.evidence
FROM episode e JOIN space s ON s.id = e.space_id
WHERE e.resolved_at >= %(since)s AND (%(exact)s OR NOT s.personal)
  AND (%(ids)s::text[] IS NULL OR e.space_id = ANY (%(ids)s::text[]))
ORDER BY e.resolved_at DESC LIMIT %(limit)s

-- name: alert_deliveries
SELECT (e.payload ->> 'episode_id')::uuid AS episode_id, d.channel, d.queued_at, d.delivered_at, d.attempts
FROM event e JOIN delivery d ON d.event_id = e.id
WHERE e.type = 'EpisodeOpened' AND e.recorded_at >= %(since)s
  AND e.payload ->> 'episode_id' = ANY (%(episodes)s::text[])
ORDER BY d.channel

-- name: alerts_shown
-- The newest 200 by their key: the table grows with every alert, and has no index by time.
SELECT now() AS looked_at, jsonb_object_agg(e.id, e.space_id) AS shown
FROM (SELECT event_id, delivered_at FROM delivery WHERE channel = 'board'
      ORDER BY event_id DESC LIMIT 200) d
JOIN event e ON e.id = d.event_id JOIN space s ON s.id = e.space_id AND NOT s.personal
WHERE d.delivered_at > %(since)s

-- name: space_exists
SELECT personal FROM space WHERE id = %(space)s

-- name: series_of_space
SELECT s.id, s.device_id, s.name, s.quantity, s.unit FROM series s JOIN device d ON d.id = s.device_id
WHERE d.space_id = %(space)s AND (%(quantity)s::text IS NULL OR s.quantity = %(quantity)s::text)
  AND (%(exact)s OR NOT is_count(s.name, s.unit))
ORDER BY s.quantity, s.device_id, s.name

-- name: readings_raw
SELECT series_id, time, value, quality FROM reading
WHERE series_id = ANY (%(series)s::int[]) AND time >= %(start)s AND time < %(end)s
ORDER BY series_id, time LIMIT %(limit)s

-- name: readings_binned
-- From the readings themselves: the primary key finds the range, where the view reading_5m of engines
-- without continuous aggregates would go through the whole history.
SELECT series_id, date_bin(%(width)s::interval, time, timestamptz '2000-01-01 00:00:00+00') AS bucket,
       count(*) FILTER (WHERE quality < suspect()) AS n,
       avg(value) FILTER (WHERE quality < suspect()) AS mean,
       min(value) FILTER (WHERE quality < suspect()) AS min,
       max(value) FILTER (WHERE quality < suspect()) AS max,
       count(*) FILTER (WHERE quality >= suspect()) AS suspect
FROM reading
WHERE series_id = ANY (%(series)s::int[]) AND time >= %(start)s AND time < %(end)s
GROUP BY 1, 2 ORDER BY 1, 2

-- name: readings_rolled
-- From the continuous aggregate, in its own steps of five minutes or in whole multiples of them.
SELECT series_id, date_bin(%(width)s::interval, bucket, timestamptz '2000-01-01 00:00:00+00') AS bucket,
       sum(n)::bigint AS n, sum(mean * n) / nullif(sum(n), 0)::float8 AS mean, min(min) AS min, max(max) AS max,
       sum(suspect)::bigint AS suspect
FROM reading_5m
WHERE series_id = ANY (%(series)s::int[]) AND bucket >= %(start)s AND bucket < %(end)s
GROUP BY 1, 2 ORDER BY 1, 2

-- name: steps_of_day
-- Steps of five minutes, from hours that are added up (see reading_hours).
SELECT h.series_id, b.bucket, s.n, s.mean, s.max
FROM reading_hours(%(series)s::int[], date_trunc('hour', %(start)s::timestamptz, 'UTC'), %(end)s) h
CROSS JOIN LATERAL unnest(h.steps, h.step_n, h.step_mean, h.step_max) AS s (step, n, mean, max)
CROSS JOIN LATERAL (SELECT h.hour + s.step * %(width)s::interval AS bucket) b
WHERE b.bucket >= %(start)s AND b.bucket < %(end)s
ORDER BY 1, 2

-- name: co2_series
SELECT s.id, d.space_id FROM series s JOIN device d ON d.id = s.device_id
JOIN space ON space.id = d.space_id AND NOT space.personal
WHERE s.quantity = 'co2'

-- name: devices
-- Heard by readings and connection, see device_heard: the last message of a door's reader is somebody's tap.
-- A list of badges is made anew when somebody is enrolled, too: its time is told in steps that hide when.
SELECT d.id, d.name, d.space_id, s.name AS space_name, d.registered_at, h.status, d.status_at,
       d.meta ->> 'software' AS software, h.silent,
       CASE WHEN %(exact)s THEN h.last_heard ELSE shown.last_heard END AS last_heard,
       date_bin('15 minutes', d.roster_at, timestamptz '2000-01-01 00:00:00+00') AS roster_at
FROM device d
JOIN device_heard h ON h.device_id = d.id
JOIN device_shown shown ON shown.device_id = d.id
LEFT JOIN space s ON s.id = d.space_id
WHERE %(device)s::text IS NULL OR d.id = %(device)s
ORDER BY d.id

-- name: series_now
-- The newest reading for those who may see single readings, else the newest closed window. A series that is silent or
-- counts people has no such window; it was heard all the same.
SELECT device_id, name, quantity, unit, time, value, heard,
       CASE WHEN quality >= suspect() THEN 'suspect' WHEN quality = 1 THEN 'inferred' WHEN quality = 0 THEN 'ok' END
           AS quality, state
FROM (
    SELECT device_id, name, quantity, unit, time, value, time AS heard, quality, state FROM series_now WHERE %(exact)s
    UNION ALL
    SELECT device_id, name, quantity, unit, time, value, heard, quality, state FROM series_shown WHERE NOT %(exact)s
) n
WHERE %(device)s::text IS NULL OR device_id = %(device)s
ORDER BY device_id, name

-- name: people_figures
SELECT scope, place, start, about, fullness, withheld FROM people_figure
WHERE start >= %(start)s AND start < %(end)s
  AND (%(scope)s::text IS NULL OR scope = %(scope)s::text)
  AND (%(place)s::text IS NULL OR place = %(place)s::text)
ORDER BY array_position(ARRAY['hub', 'zone', 'space'], scope), place, start

-- name: newest_reading
-- Of series that see people in steps of five minutes: the time of a movement is that of a person.
SELECT max(CASE WHEN sees_people(quantity, name) OR is_count(name, unit) THEN heard_about(time) ELSE time END)
FROM series_now

-- name: deliveries_waiting
SELECT count(*), min(queued_at) FROM delivery WHERE delivered_at IS NULL

-- name: messages_committed
-- The numbers that are committed, stored or rejected, summed over their ranges. Taps are among them: whoever
-- tells this must make it coarse.
SELECT coalesce(sum(upper(part) - lower(part)), 0)::bigint FROM stream, unnest(received) AS part

-- name: messages_odd
SELECT count(*) FILTER (WHERE verdict = 'rejected'), coalesce(sum(copies - 1), 0)::bigint
FROM message WHERE (verdict = 'rejected' OR copies > 1) AND kind = 'telemetry'

-- name: open_episodes
SELECT rule, count(*) FROM episode WHERE resolved_at IS NULL GROUP BY rule ORDER BY rule
