-- What roles without the right to single readings see of measurements, in the API, on pages and in Grafana: closed
-- windows of five minutes, no count of people, and nothing of one person's room.

-- The start of the window of five minutes that a time is in.
CREATE FUNCTION window_start(moment timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN date_bin(count_window(), moment, timestamptz '2000-01-01 00:00:00+00');

-- When something was heard, in steps of five minutes: the time of a motion sensor's reading is somebody's movement.
-- What is current is heard "in this window", and what is not, in the window of its time.
CREATE FUNCTION heard_about(moment timestamptz) RETURNS timestamptz LANGUAGE sql STABLE
RETURN window_start(CASE WHEN moment > now() - stale_after() THEN now() ELSE moment END);

-- Whether the values of a series are for those who may read single readings only: the gate publishes counts.
CREATE FUNCTION is_count(series text, unit text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN is_headcount(series) OR unit = 'count';

-- Every series with the mean of its newest closed window, not older than a reading holds, without suspect values
-- where it has others. `heard` is null in one person's room.
CREATE VIEW series_shown AS
SELECT n.series_id, n.device_id, n.space_id, n.name, n.quantity, n.unit,
       CASE WHEN s.personal IS NOT TRUE THEN heard_about(n.time) END AS heard,
       CASE WHEN s.personal IS NOT TRUE THEN n.state END AS state,
       w.start AS time, w.value, w.quality
FROM series_now n
LEFT JOIN space s ON s.id = n.space_id
LEFT JOIN LATERAL (
    SELECT window_start(time) AS start, min(quality) AS quality,
           coalesce(avg(value) FILTER (WHERE quality < suspect()), avg(value)) AS value
    FROM reading
    WHERE series_id = n.series_id AND time < window_start(now())
      AND time >= window_start(now()) - count_window() - longest_hold()
    GROUP BY 1 ORDER BY 1 DESC LIMIT 1
) w ON s.personal IS NOT TRUE AND NOT is_count(n.name, n.unit);

CREATE VIEW device_shown AS
SELECT h.device_id, h.silent, h.status,
       CASE WHEN s.personal IS NOT TRUE THEN heard_about(h.last_heard) END AS last_heard
FROM device_heard h JOIN device d ON d.id = h.device_id LEFT JOIN space s ON s.id = d.space_id;

CREATE VIEW episode_shown AS
SELECT e.rule, e.rule_version, e.space_id, e.opened_at, e.resolved_at, e.value, e.peak
FROM episode e JOIN space s ON s.id = e.space_id AND NOT s.personal AND s.archived_at IS NULL;

-- Spaces as everybody sees them: state and air as they are, numbers of the newest closed window while there is a
-- current one. A CO2 value that contradicts the air of this moment is left out.
CREATE VIEW space_shown AS
SELECT n.space_id, n.name, n.kind, n.capacity, n.zone, n.personal, n.state, n.check_outs_missing,
       n.about, n.about_from, n.fullness, n.air, n.air_reason, n.air_unjudged, n.presence_reason,
       CASE WHEN n.co2 IS NOT NULL AND (n.air = 'fresh') = (w.co2 < co2_fresh_below()) AND (n.air = 'bad') = (w.co2 > co2_stuffy_up_to())
            THEN w.co2 END AS co2,
       CASE WHEN n.temp IS NOT NULL THEN w.temp END AS temp,
       CASE WHEN n.rh IS NOT NULL THEN w.rh END AS rh,
       CASE WHEN n.noise IS NOT NULL THEN w.noise END AS noise,
       CASE WHEN n.light IS NOT NULL THEN w.light END AS light,
       CASE WHEN NOT n.personal THEN heard_about(n.last_heard) END AS last_heard,
       n.alert_rule, n.alert_since, n.alert_value
FROM space_now n
LEFT JOIN (
    SELECT space_id,
           avg(value) FILTER (WHERE quantity = 'co2' AND quality < suspect()) AS co2,
           avg(value) FILTER (WHERE quantity = 'temp' AND quality < suspect()) AS temp,
           avg(value) FILTER (WHERE quantity = 'rh' AND quality < suspect()) AS rh,
           max(value) FILTER (WHERE quantity = 'noise' AND quality < suspect()) AS noise,
           avg(value) FILTER (WHERE quantity = 'light' AND quality < suspect()) AS light
    FROM series_shown GROUP BY space_id
) w ON w.space_id = n.space_id;
