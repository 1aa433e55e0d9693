-- name: processes
SELECT application_name, count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'hubwell-%%' GROUP BY 1

-- name: devices
SELECT d.id, d.status, max(s.last_received_at) AS last_heard,
       coalesce(max(s.last_received_at) < now() - stale_after(), true) AS silent
FROM device d LEFT JOIN stream s ON s.device_id = d.id GROUP BY d.id ORDER BY d.id

-- name: lists_of_badges
-- Devices with readers that are online, and the age of the list of badges that each says it holds. Where nobody
-- stands, at simulated readers, none is needed.
SELECT id, roster_at, coalesce(roster_at < now() - badge_list_old_after(), true) AS old FROM device
WHERE status = 'online' AND (jsonb_path_exists(meta, '$.readers[*] ? (!(@.driver == "simulated"))')
                             OR EXISTS (SELECT FROM reader r WHERE r.device_id = device.id)) ORDER BY id

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

-- name: size
SELECT pg_size_pretty(pg_database_size(current_database()))
