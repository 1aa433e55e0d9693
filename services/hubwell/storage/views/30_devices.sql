-- Whether a device is alive, by its readings and its connection. Not by its messages: a door's reader sends one
-- for each tap, so the time of the last message would show a person's tap. A device with readers only is alive
-- while it is online.
CREATE VIEW device_heard AS
SELECT d.id AS device_id,
       greatest(r.newest, CASE WHEN d.status = 'online' THEN d.status_at END) AS last_heard,
       CASE
           WHEN m.sensors = 0 AND m.readers > 0 THEN d.status <> 'online'
           ELSE coalesce(
               greatest(r.newest, CASE WHEN d.status = 'online' THEN d.status_at END)
                   < now() - greatest(stale_after(), make_interval(secs => 3 * m.slowest_s)),
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
