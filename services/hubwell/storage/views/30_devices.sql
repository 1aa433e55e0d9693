-- Whether a device is alive, by its readings and its status, each as of its own time: the one answer for pages, API,
-- command line, doctor and dashboards. Not by its messages: a door's reader sends one for each tap, so the time of
-- the last message would show a person's tap. `silent` is nothing for stale_after() or for three of its slowest
-- sensor's intervals, which are declared or seen (series_now); a device with readers only is silent as soon as it is
-- offline. A status "online" of a silent device is not known to be true any more.
CREATE VIEW device_heard AS
SELECT h.device_id, h.last_heard, h.silent,
       CASE WHEN h.silent AND h.status = 'online' THEN 'unknown' ELSE h.status END AS status
FROM (
    SELECT d.id AS device_id, d.status, t.last_heard,
           d.status = 'offline' AND m.sensors = 0 AND m.readers > 0
               OR coalesce(
                   t.last_heard < now() - greatest(
                       stale_after(), make_interval(secs => 3 * greatest(m.slowest_s, r.slowest_s))
                   ), true
               ) AS silent
    FROM device d
    LEFT JOIN (
        SELECT device_id, max(time) AS newest, max(every_s) AS slowest_s FROM series_now GROUP BY device_id
    ) r ON r.device_id = d.id
    -- The time of the status "offline" is when the broker missed the device, which counts only where nothing else does.
    CROSS JOIN LATERAL (
        SELECT coalesce(greatest(r.newest, CASE WHEN d.status = 'online' THEN d.status_at END), d.status_at)
    ) t (last_heard)
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE part = 'sensors') AS sensors,
               count(*) FILTER (WHERE part = 'readers') AS readers,
               max(least((said ->> 'every_s')::float8, extract(epoch FROM slowest_declared())::float8))
                   FILTER (WHERE said ->> 'every_s' IS NOT NULL) AS slowest_s
        FROM (VALUES ('sensors'), ('readers')) AS parts (part)
        CROSS JOIN LATERAL jsonb_array_elements(
            CASE jsonb_typeof(d.meta -> part) WHEN 'array' THEN d.meta -> part ELSE '[]' END
        ) AS listed (said)
    ) m
    WHERE d.archived_at IS NULL
) h;
