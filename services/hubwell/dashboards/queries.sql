-- Queries of the dashboard "Hub now". Column names are the headings on the screen. Grafana replaces
-- $__timeFrom(), $__timeTo(), $__timeFilter() and $__interval; {raise_at} comes from the rule.
-- Only what the role in dashboards/database/grafana_reader.sql may read.

-- name: in_words
-- One sentence per row: the panels in words, for screen readers and telephones.
WITH spaces AS (
    SELECT count(*) AS n,
           count(*) FILTER (WHERE state = 'free') AS free,
           count(*) FILTER (WHERE state = 'used') AS used,
           count(*) FILTER (WHERE state = 'unknown') AS unknown,
           count(*) FILTER (WHERE air = 'fresh') AS fresh,
           count(*) FILTER (WHERE air = 'stuffy') AS stuffy,
           count(*) FILTER (WHERE air = 'bad') AS bad,
           count(*) FILTER (WHERE air = 'unknown') AS no_air,
           count(*) FILTER (WHERE air_reason = 'in-doubt') AS doubt,
           count(*) FILTER (WHERE air_unjudged IS NOT NULL) AS unjudged
    FROM space_published
), devices AS (
    SELECT count(*) AS n,
           count(*) FILTER (WHERE NOT silent) AS sending,
           count(*) FILTER (WHERE silent AND last_heard IS NOT NULL) AS silent,
           count(*) FILTER (WHERE silent AND last_heard IS NULL) AS never
    FROM device_published
), people AS (
    SELECT about, counted_from FROM people_now WHERE scope = 'hub'
)
SELECT sentence AS "In words" FROM (
    SELECT 1 AS place, CASE WHEN n = 0 THEN 'No space is registered: add one with `hubwell space add`.'
        ELSE format('Spaces: %s free, %s in use, %s not known; %s in all.', free, used, unknown, n) END AS sentence
    FROM spaces
    UNION ALL
    SELECT 2, format('Air: %s fresh, %s stuffy, %s bad, %s not known.', fresh, stuffy, bad, no_air)
        || CASE WHEN doubt > 0 THEN format(' Sensor in doubt: %s.', doubt) ELSE '' END
        || CASE WHEN unjudged > 0 THEN format(' No alert is possible: %s.', unjudged) ELSE '' END
    FROM spaces
    UNION ALL
    SELECT 3, format('Open alerts: %s.', count(*)) FROM episode_published WHERE resolved_at IS NULL
    UNION ALL
    SELECT 4, format(
        'Devices: %s send, %s silent for more than five minutes, %s never heard; %s in all.',
        sending, silent, never, n
    ) FROM devices
    UNION ALL
    SELECT 5, CASE WHEN about IS NULL THEN 'People in the hub: not shown, to protect a small group.'
        WHEN counted_from IS NULL THEN format('People in the hub: about %s.', about)
        ELSE format('People in the hub: about %s between %s and %s.', about,
                    to_char(counted_from, 'HH24:MI'), to_char(counted_from + count_window(), 'HH24:MI')) END
    FROM people
) AS sentences ORDER BY place

-- name: spaces_now
SELECT name AS "Space",
       kind AS "Kind",
       zone AS "Where",
       state AS "State",
       CASE WHEN check_outs_missing THEN 'Probably nobody, check-outs are missing' ELSE CASE fullness
           WHEN 'nobody' THEN 'Nobody'
           WHEN 'third' THEN 'About a third full'
           WHEN 'half' THEN 'About half full'
           WHEN 'most' THEN 'Mostly full'
           WHEN 'full' THEN 'Full'
           ELSE CASE WHEN personal THEN 'Not shown' WHEN state = 'used' THEN 'Somebody' END
       END || coalesce(' (about ' || about || ' people)', '') END AS "People",
       coalesce(CASE WHEN air_reason = 'in-doubt' THEN air_reason END, air) AS "Air",
       co2 AS "CO2",
       temp AS "Temperature",
       noise AS "Noise",
       last_heard AS "Last heard",
       alert_since AS "Alert since",
       CASE WHEN NOT personal THEN coalesce(
           air_unjudged, CASE WHEN air_reason = 'no-sensor' THEN air_reason ELSE 'judged' END
       ) END AS "Alert possible"
FROM space_published
ORDER BY alert_since IS NULL, air NOT IN ('bad', 'stuffy'), state <> 'unknown', name

-- name: co2_over_time
-- Empty buckets are rows without a value, so that a gap is drawn as a gap. Buckets are counted in UTC: a step
-- of a day must not move when the clocks change.
WITH co2 AS (
    SELECT date_bin('$__interval', r.bucket, timestamptz '2000-01-01 00:00:00+00') AS time,
           d.space_id,
           sum(r.mean * r.n) / nullif(sum(r.n), 0) AS value
    FROM readings_published('co2', $__timeFrom()::timestamptz, $__timeTo()::timestamptz) r
    JOIN series s ON s.id = r.series_id
    JOIN device d ON d.id = s.device_id
    WHERE $__timeFilter(r.bucket)
    GROUP BY 1, 2
), tick AS (
    SELECT utc AT TIME ZONE 'UTC' AS time
    FROM generate_series(
        date_bin('$__interval', $__timeFrom()::timestamptz, timestamptz '2000-01-01 00:00:00+00') AT TIME ZONE 'UTC',
        $__timeTo()::timestamptz AT TIME ZONE 'UTC',
        interval '$__interval'
    ) AS step (utc)
), heard AS (
    SELECT DISTINCT space_id FROM co2
)
SELECT tick.time AS time, space.name AS metric, co2.value AS value
FROM tick
CROSS JOIN heard
JOIN space ON space.id = heard.space_id
LEFT JOIN co2 ON co2.time = tick.time AND co2.space_id = heard.space_id
ORDER BY tick.time, space.name

-- name: co2_figures
WITH bucket AS (
    SELECT d.space_id, r.bucket, sum(r.mean * r.n) / nullif(sum(r.n), 0) AS mean,
           min(r.min) AS min, max(r.max) AS max, sum(r.n) AS n, sum(r.suspect) AS suspect
    FROM readings_published('co2', $__timeFrom()::timestamptz, $__timeTo()::timestamptz) r
    JOIN series s ON s.id = r.series_id
    JOIN device d ON d.id = s.device_id
    WHERE $__timeFilter(r.bucket)
    GROUP BY d.space_id, r.bucket
), elapsed AS (
    SELECT greatest(
        extract(epoch FROM least($__timeTo()::timestamptz, now()) - $__timeFrom()::timestamptz), 300
    ) AS seconds
)
SELECT space.name AS "Space",
       min(bucket.min) AS "Lowest",
       avg(bucket.mean) AS "Mean",
       max(bucket.max) AS "Highest",
       300 * count(*) FILTER (WHERE bucket.mean >= {raise_at}) AS "Time over the line",
       least(1, 300 * count(bucket.mean) / (SELECT seconds FROM elapsed))::float8 AS "Time with data",
       (300 * count(*) FILTER (WHERE bucket.n = 0 AND bucket.suspect > 0))::float8 AS "Sensor in doubt"
FROM space
LEFT JOIN bucket ON bucket.space_id = space.id
WHERE space.archived_at IS NULL
GROUP BY space.id, space.name
ORDER BY max(bucket.mean) DESC NULLS LAST, space.name

-- name: alerts
SELECT CASE WHEN e.resolved_at IS NULL THEN 'open' ELSE 'resolved' END AS "State",
       s.name AS "Space",
       e.rule AS "What",
       e.opened_at AS "Since",
       extract(epoch FROM coalesce(e.resolved_at, now()) - e.opened_at)::float8 AS "Lasted",
       e.peak AS "Highest",
       format('%s, version %s', e.rule, e.rule_version) AS "Rule"
FROM episode_published e
JOIN space s ON s.id = e.space_id
WHERE e.resolved_at IS NULL
   OR (e.opened_at <= $__timeTo()::timestamptz AND e.resolved_at >= $__timeFrom()::timestamptz)
ORDER BY e.resolved_at IS NOT NULL, e.opened_at DESC
LIMIT 200

-- name: devices
-- A sensor without recent readings is silent (see device_published). The broker's status is only a hint: a device
-- can be online with a dead sensor, and offline because its network has just failed.
WITH quiet AS (
    SELECT device_id,
           string_agg(name, ', ' ORDER BY name) FILTER (WHERE state IN ('silent', 'never')) AS names,
           string_agg(name, ', ' ORDER BY name) FILTER (WHERE state = 'in-doubt') AS doubtful
    FROM series_published
    GROUP BY device_id
)
SELECT d.id AS "Device",
       s.name AS "Space",
       CASE
           WHEN h.last_heard IS NULL THEN 'never'
           WHEN h.silent THEN 'silent'
           WHEN q.doubtful IS NOT NULL THEN 'in-doubt'
           WHEN q.names IS NOT NULL THEN 'partly'
           ELSE 'sends'
       END AS "State",
       extract(epoch FROM now() - h.last_heard)::float8 AS "Last heard",
       q.names AS "Sensors without news",
       q.doubtful AS "Sensors in doubt",
       h.status AS "Broker says"
FROM device d
JOIN device_published h ON h.device_id = d.id
LEFT JOIN space s ON s.id = d.space_id
LEFT JOIN quiet q ON q.device_id = d.id
ORDER BY h.last_heard IS NOT NULL, h.silent DESC, q.doubtful IS NULL, q.names IS NULL, h.last_heard, d.id

-- name: completeness_by_day
-- Days are those of the hub: the role's time zone is the hub's. Messages of sensors only: taps are not counted.
WITH day AS (
    SELECT start, start + interval '1 day' AS next
    FROM generate_series(
        date_trunc('day', $__timeFrom()::timestamptz), $__timeTo()::timestamptz, interval '1 day'
    ) AS start
), ledger AS (
    SELECT date_trunc('day', start) AS start, sum(stored)::bigint AS stored, sum(copies) AS copies,
           sum(lost) AS lost, string_agg(DISTINCT cause, ', ') AS causes
    FROM ledger_published
    WHERE start >= date_trunc('day', $__timeFrom()::timestamptz) AND start <= $__timeTo()::timestamptz
    GROUP BY 1
), refused AS (
    SELECT date_trunc('day', first_at) AS start, count(*) AS n
    FROM rejected
    WHERE first_at >= date_trunc('day', $__timeFrom()::timestamptz) AND first_at <= $__timeTo()::timestamptz
    GROUP BY 1
)
SELECT to_char(day.start, 'Dy DD Mon YYYY') AS "Day",
       coalesce(ledger.stored, 0) AS "Stored",
       coalesce(ledger.copies, 0)::float8 AS "Duplicates",
       coalesce(refused.n, 0) AS "Rejected",
       coalesce(ledger.lost, 0)::float8 AS "Lost, declared",
       ledger.causes AS "Cause"
FROM day
LEFT JOIN ledger ON ledger.start = day.start
LEFT JOIN refused ON refused.start = day.start
ORDER BY day.start DESC

-- name: completeness_by_device
-- Each device numbers its messages from 1 in every boot, so a number that is neither here nor declared lost
-- is missing: still on its way, or lost. The total is not shown, because taps are included in it.
SELECT device_id AS "Device",
       CASE WHEN sum(missing) <= 0 THEN 'complete' ELSE 'missing' END AS "State",
       sum(declared)::float8 AS "Lost, declared",
       greatest(sum(missing), 0)::float8 AS "Missing"
FROM ledger_complete_published
WHERE heard_on >= date_trunc('day', $__timeFrom()::timestamptz) AND first_received_at <= $__timeTo()::timestamptz
GROUP BY device_id
ORDER BY "Missing" DESC, device_id
