-- name: spaces
-- One row a space, with when its sensors of presence and of air were last heard.
SELECT n.space_id AS id, n.name, n.kind, n.capacity, n.zone, n.personal, n.state,
       n.about AS people, n.about_from AS people_from, n.fullness,
       n.air, n.co2, n.temp, n.rh, n.noise, n.light, n.last_heard,
       heard.presence AS presence_heard, heard.co2 AS air_heard
FROM space_now n
LEFT JOIN (
    SELECT space_id,
           max(time) FILTER (WHERE quantity = ANY (presence_quantities())) AS presence,
           max(time) FILTER (WHERE quantity = 'co2') AS co2
    FROM series_now GROUP BY space_id
) heard ON heard.space_id = n.space_id
WHERE %(ids)s::text[] IS NULL OR n.space_id = ANY (%(ids)s::text[])
ORDER BY array_position(space_kinds(), n.kind), n.name

-- name: open_alerts
SELECT e.id, e.rule, e.rule_version, e.space_id, s.name AS space_name, e.opened_at, e.resolved_at,
       e.value, e.peak, e.evidence
FROM episode e JOIN space s ON s.id = e.space_id
WHERE e.resolved_at IS NULL AND (%(ids)s::text[] IS NULL OR e.space_id = ANY (%(ids)s::text[]))
  AND (%(exact)s OR NOT s.personal)
ORDER BY e.opened_at DESC

-- name: recent_alerts
SELECT e.id, e.rule, e.rule_version, e.space_id, s.name AS space_name, e.opened_at, e.resolved_at,
       e.value, e.peak, e.evidence
FROM episode e JOIN space s ON s.id = e.space_id
WHERE e.resolved_at >= %(since)s AND (%(exact)s OR NOT s.personal) ORDER BY e.resolved_at DESC LIMIT %(limit)s

-- name: alert_deliveries
SELECT (e.payload ->> 'episode_id')::uuid AS episode_id, d.channel, d.queued_at, d.delivered_at, d.attempts
FROM event e JOIN delivery d ON d.event_id = e.id
WHERE e.type = 'EpisodeOpened' AND e.recorded_at >= %(since)s
  AND e.payload ->> 'episode_id' = ANY (%(episodes)s::text[])
ORDER BY d.channel

-- name: space_exists
SELECT personal FROM space WHERE id = %(space)s

-- name: series_of_space
SELECT s.id, s.device_id, s.name, s.quantity, s.unit FROM series s JOIN device d ON d.id = s.device_id
WHERE d.space_id = %(space)s AND (%(quantity)s::text IS NULL OR s.quantity = %(quantity)s::text)
ORDER BY s.quantity, s.device_id, s.name

-- name: readings_raw
SELECT series_id, time, value, quality FROM reading
WHERE series_id = ANY (%(series)s::int[]) AND time >= %(start)s AND time < %(end)s
ORDER BY series_id, time LIMIT %(limit)s

-- name: readings_binned
-- From the readings themselves: the primary key finds the range, where the view reading_5m of engines
-- without continuous aggregates would go through the whole history.
SELECT series_id, date_bin(%(width)s::interval, time, timestamptz '2000-01-01 00:00:00+00') AS bucket,
       count(*) AS n, avg(value) AS mean, min(value) AS min, max(value) AS max
FROM reading
WHERE series_id = ANY (%(series)s::int[]) AND time >= %(start)s AND time < %(end)s
GROUP BY 1, 2 ORDER BY 1, 2

-- name: readings_rolled
-- From the continuous aggregate, in its own steps of five minutes or in whole multiples of them.
SELECT series_id, date_bin(%(width)s::interval, bucket, timestamptz '2000-01-01 00:00:00+00') AS bucket,
       sum(n)::bigint AS n, sum(mean * n) / sum(n)::float8 AS mean, min(min) AS min, max(max) AS max
FROM reading_5m
WHERE series_id = ANY (%(series)s::int[]) AND bucket >= %(start)s AND bucket < %(end)s
GROUP BY 1, 2 ORDER BY 1, 2

-- name: co2_series
SELECT s.id, d.space_id FROM series s JOIN device d ON d.id = s.device_id
JOIN space ON space.id = d.space_id AND NOT space.personal
WHERE s.quantity = 'co2'

-- name: devices
-- Heard by readings and connection, see device_heard: the last message of a door's reader is somebody's tap.
-- A list of badges is made anew when somebody is enrolled, too: its time is told in steps that hide when.
SELECT d.id, d.name, d.space_id, s.name AS space_name, d.registered_at, d.status, d.status_at,
       d.meta ->> 'software' AS software, h.last_heard, h.silent,
       date_bin('15 minutes', d.roster_at, timestamptz '2000-01-01 00:00:00+00') AS roster_at
FROM device d
JOIN device_heard h ON h.device_id = d.id
LEFT JOIN space s ON s.id = d.space_id
ORDER BY d.id

-- name: series_now
-- Of one person's room only which series there are.
SELECT n.device_id, n.name, n.quantity, n.unit,
       CASE WHEN %(exact)s OR s.personal IS NOT TRUE THEN n.time END AS time,
       CASE WHEN %(exact)s OR s.personal IS NOT TRUE THEN n.value END AS value,
       CASE WHEN %(exact)s OR s.personal IS NOT TRUE THEN
           CASE n.quality WHEN 0 THEN 'ok' WHEN 1 THEN 'inferred' WHEN 2 THEN 'suspect' END
       END AS quality
FROM series_now n LEFT JOIN space s ON s.id = n.space_id ORDER BY n.device_id, n.name

-- name: people_figures
SELECT scope, place, start, about, fullness, withheld FROM people_figure
WHERE start >= %(start)s AND start < %(end)s
  AND (%(scope)s::text IS NULL OR scope = %(scope)s::text)
  AND (%(place)s::text IS NULL OR place = %(place)s::text)
ORDER BY array_position(ARRAY['hub', 'zone', 'space'], scope), place, start

-- name: newest_reading
SELECT max(time) FROM series_now

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
