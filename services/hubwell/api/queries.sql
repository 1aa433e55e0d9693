-- name: spaces
-- One row a space, with when its sensors of presence and of air were last heard.
SELECT n.space_id AS id, n.name, n.kind, n.capacity, n.zone, n.state, n.people_shown AS people, n.fullness,
       n.air, n.co2, n.temp, n.rh, n.noise, n.light, n.last_heard,
       heard.presence AS presence_heard, heard.co2 AS air_heard
FROM space_now n
LEFT JOIN (
    SELECT space_id,
           max(time) FILTER (WHERE quantity IN ('presence', 'motion', 'occupancy')) AS presence,
           max(time) FILTER (WHERE quantity = 'co2') AS co2
    FROM series_now GROUP BY space_id
) heard ON heard.space_id = n.space_id
WHERE %(ids)s::text[] IS NULL OR n.space_id = ANY (%(ids)s::text[])
ORDER BY array_position(ARRAY['workshop', 'collaboration', 'relaxation'], n.kind), n.name

-- name: open_alerts
SELECT e.id, e.rule, e.rule_version, e.space_id, s.name AS space_name, e.opened_at, e.resolved_at,
       e.value, e.peak, e.evidence
FROM episode e JOIN space s ON s.id = e.space_id
WHERE e.resolved_at IS NULL AND (%(ids)s::text[] IS NULL OR e.space_id = ANY (%(ids)s::text[]))
ORDER BY e.opened_at DESC

-- name: recent_alerts
SELECT e.id, e.rule, e.rule_version, e.space_id, s.name AS space_name, e.opened_at, e.resolved_at,
       e.value, e.peak, e.evidence
FROM episode e JOIN space s ON s.id = e.space_id
WHERE e.resolved_at >= %(since)s ORDER BY e.resolved_at DESC LIMIT %(limit)s

-- name: alert_deliveries
SELECT (e.payload ->> 'episode_id')::uuid AS episode_id, d.channel, d.queued_at, d.delivered_at, d.attempts
FROM event e JOIN delivery d ON d.event_id = e.id
WHERE e.type = 'EpisodeOpened' AND e.recorded_at >= %(since)s
  AND e.payload ->> 'episode_id' = ANY (%(episodes)s::text[])
ORDER BY d.channel

-- name: space_exists
SELECT FROM space WHERE id = %(space)s

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
WHERE s.quantity = 'co2' AND d.space_id IS NOT NULL

-- name: devices
-- A device is silent when nothing came for five minutes, or for three of its own slowest intervals.
SELECT d.id, d.name, d.space_id, s.name AS space_name, d.registered_at, d.status, d.status_at,
       d.meta ->> 'software' AS software,
       greatest(heard.at, CASE WHEN d.status = 'online' THEN d.status_at END) AS last_heard,
       coalesce(
           greatest(heard.at, CASE WHEN d.status = 'online' THEN d.status_at END)
               < now() - greatest(interval '5 minutes', 3 * slowest.every_s * interval '1 second'),
           true
       ) AS silent
FROM device d
LEFT JOIN space s ON s.id = d.space_id
LEFT JOIN LATERAL (SELECT max(last_received_at) AS at FROM stream WHERE device_id = d.id) heard ON true
LEFT JOIN LATERAL (
    SELECT max((sensor ->> 'every_s')::float8) AS every_s
    FROM jsonb_array_elements(
        CASE jsonb_typeof(d.meta -> 'sensors') WHEN 'array' THEN d.meta -> 'sensors' ELSE '[]' END
    ) sensor
) slowest ON true
ORDER BY d.id

-- name: series_now
SELECT device_id, name, quantity, unit, time, value,
       CASE quality WHEN 0 THEN 'ok' WHEN 1 THEN 'inferred' WHEN 2 THEN 'suspect' END AS quality
FROM series_now ORDER BY device_id, name

-- name: newest_message
SELECT max(last_received_at) FROM stream

-- name: deliveries_waiting
SELECT count(*), min(queued_at) FROM delivery WHERE delivered_at IS NULL

-- name: messages_committed
-- The numbers that are committed, stored or rejected, summed over their ranges.
SELECT coalesce(sum(upper(part) - lower(part)), 0)::bigint FROM stream, unnest(received) AS part

-- name: messages_odd
SELECT count(*) FILTER (WHERE verdict = 'rejected'), coalesce(sum(copies - 1), 0)::bigint
FROM message WHERE verdict = 'rejected' OR copies > 1

-- name: open_episodes
SELECT rule, count(*) FROM episode WHERE resolved_at IS NULL GROUP BY rule ORDER BY rule

-- name: listen
LISTEN hubwell_change
