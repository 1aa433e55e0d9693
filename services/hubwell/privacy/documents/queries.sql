-- name: quantities
-- What devices measure, in how many spaces, and whether one of these is one person's room.
SELECT s.quantity, count(DISTINCT d.space_id) AS spaces, count(*) AS series, coalesce(bool_or(p.personal), false)
FROM series s JOIN device d ON d.id = s.device_id LEFT JOIN space p ON p.id = d.space_id
GROUP BY s.quantity ORDER BY s.quantity

-- name: readers
-- Readers that devices say they have, and those that somebody gave a purpose. Not those whose taps are kept: their
-- number would tell of a single tap.
SELECT coalesce(r.purpose, 'space') AS purpose, count(*)
FROM (
    SELECT d.id AS device_id, said->>'name' AS name
    FROM device d CROSS JOIN LATERAL jsonb_array_elements(
        CASE WHEN jsonb_typeof(d.meta->'readers') = 'array' THEN d.meta->'readers' ELSE '[]' END
    ) AS said
    UNION SELECT device_id, name FROM reader
) known
LEFT JOIN reader r ON r.device_id = known.device_id AND r.name = known.name
GROUP BY 1 ORDER BY 1

-- name: numbers
SELECT (SELECT count(*) FROM space WHERE archived_at IS NULL) AS spaces,
       (SELECT count(*) FROM space WHERE personal AND archived_at IS NULL) AS personal_spaces,
       (SELECT count(*) FROM device WHERE archived_at IS NULL) AS devices,
       (SELECT count(*) FROM device WHERE muster_station AND archived_at IS NULL) AS muster_stations,
       (SELECT count(*) FROM person WHERE kind = 'enrolled') AS enrolled,
       (SELECT count(*) FROM person WHERE kind = 'enrolled' AND name = '') AS nameless,
       (SELECT count(*) FROM account WHERE disabled_at IS NULL) AS accounts,
       (SELECT count(*) FROM account_identity) AS identities
