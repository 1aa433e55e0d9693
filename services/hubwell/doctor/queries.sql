-- name: devices
SELECT device_id, silent FROM device_heard ORDER BY device_id

-- name: in_doubt
SELECT device_id, name, CASE quality WHEN 3 THEN 'stays at' ELSE 'gives' END, value, unit FROM series_now WHERE state = 'in-doubt' ORDER BY device_id, name

-- name: unjudged
SELECT space_id, air_unjudged FROM space_now WHERE air_unjudged IS NOT NULL ORDER BY space_id

-- name: lists_of_badges
-- Devices with readers: whether the list of badges that each says it holds is old, and whether the device is silent.
-- Where nobody stands, at simulated readers, none is needed.
SELECT d.id, coalesce(d.roster_at < now() - badge_list_old_after(), true) AS old, h.silent
FROM device d JOIN device_heard h ON h.device_id = d.id
WHERE jsonb_path_exists(d.meta, '$.readers[*] ? (!(@.driver == "simulated"))')
   OR EXISTS (SELECT FROM reader r WHERE r.device_id = d.id)
ORDER BY d.id

-- name: rejected_today
SELECT code, sum(copies)::bigint, max(reason) FROM rejected WHERE last_at > now() - interval '1 day'
GROUP BY code ORDER BY 2 DESC LIMIT 3

-- name: rivals
-- Two boots of one device that are both alive: two agents send under one id.
SELECT a.device_id FROM stream a JOIN stream b ON a.device_id = b.device_id AND a.id < b.id
WHERE b.first_received_at < a.last_received_at AND a.last_received_at > now() - interval '1 hour'
  AND b.last_received_at > now() - interval '1 hour' GROUP BY 1

-- name: waiting
SELECT count(*), min(queued_at), max(last_error) FROM delivery WHERE delivered_at IS NULL

-- name: not_added_up
-- Notes of the table of hours that the worker has not taken yet.
SELECT count(*), min(noted_at) FROM reading_change

-- name: size
SELECT pg_size_pretty(pg_database_size(current_database()))
