-- What Grafana's account reads. The worker copies the rows of the views `*_shown` and `ledger_*` to the table
-- `published`, and the account reads the copies: EXPLAIN ANALYZE on a view shows how many rows of each table behind it
-- were read, and conditions on a view can be evaluated on rows that the view hides.

-- Copy the rows of one view; `key` is an expression that identifies a row. Only what differs is written.
CREATE FUNCTION publish_view(name text, key text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        $query$
        WITH newest AS MATERIALIZED (
            SELECT %2$s AS id, to_jsonb(v) AS content FROM %1$I v
        ), gone AS (
            DELETE FROM published p WHERE view = %1$L AND NOT EXISTS (SELECT FROM newest WHERE id = p.id)
        )
        INSERT INTO published AS p (view, id, content)
        SELECT %1$L, id, content FROM newest ORDER BY id
        ON CONFLICT (view, id) DO UPDATE SET content = excluded.content WHERE p.content <> excluded.content
        $query$, name, key
    );
END $$;

-- Copy how everything is at this moment.
CREATE FUNCTION publish_shown() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM publish_view('space_shown', 'space_id');
    PERFORM publish_view('series_shown', 'series_id::text');
    PERFORM publish_view('device_shown', 'device_id');
    PERFORM publish_view('episode_shown', $key$concat_ws(' ', rule, space_id, extract(epoch FROM opened_at))$key$);
    PERFORM publish_view('ledger_complete', 'stream_id::text');
    INSERT INTO published (view, id, content) VALUES ('', 'at', to_jsonb(now()))
    ON CONFLICT (view, id) DO UPDATE SET content = excluded.content;
END $$;

-- Copy the ledger: all of it on the first run, then the last two days. A message that comes once more after more
-- than two days is in no figure of Grafana.
CREATE FUNCTION publish_ledger() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    since timestamptz := coalesce(
        (SELECT to_timestamp(max(id)::float8) - interval '2 days' FROM published WHERE view = 'ledger_telemetry'),
        '-infinity'
    );
BEGIN
    INSERT INTO published AS p (view, id, content)
    SELECT 'ledger_telemetry', extract(epoch FROM start)::text, to_jsonb(l)
    FROM (
        SELECT window_start(received_at) AS start, count(*) FILTER (WHERE verdict = 'stored') AS stored,
               sum(copies - 1) AS copies
        FROM ledger_telemetry WHERE received_at >= since GROUP BY 1
    ) l
    ON CONFLICT (view, id) DO UPDATE SET content = excluded.content WHERE p.content <> excluded.content;
    INSERT INTO published AS p (view, id, content)
    SELECT 'ledger_lost', extract(epoch FROM start) || ' ' || cause, to_jsonb(l)
    FROM (
        SELECT window_start(declared_at) AS start, cause, sum(count) AS count
        FROM ledger_lost WHERE declared_at >= since GROUP BY 1, 2
    ) l
    ON CONFLICT (view, id) DO UPDATE SET content = excluded.content WHERE p.content <> excluded.content;
END $$;

-- Whether the copies are of this moment: else nothing is known of this moment.
CREATE VIEW published_now AS
SELECT coalesce(max((content #>> '{}')::timestamptz) > now() - stale_after(), false) AS current
FROM published WHERE view = '';

CREATE VIEW space_published AS
SELECT r.space_id, r.name, r.kind, r.capacity, r.zone, r.personal,
       CASE WHEN n.current THEN r.state ELSE 'unknown' END AS state,
       n.current AND r.check_outs_missing AS check_outs_missing,
       CASE WHEN n.current THEN r.fullness END AS fullness,
       CASE WHEN n.current THEN r.about END AS about,
       CASE WHEN n.current THEN r.about_from END AS about_from,
       CASE WHEN n.current THEN r.air ELSE 'unknown' END AS air,
       CASE WHEN n.current OR r.personal THEN r.air_reason ELSE 'silent' END AS air_reason,
       CASE WHEN n.current OR r.personal THEN r.air_unjudged ELSE 'silent' END AS air_unjudged,
       CASE WHEN n.current OR r.personal THEN r.presence_reason ELSE 'silent' END AS presence_reason,
       CASE WHEN n.current THEN r.co2 END AS co2,
       CASE WHEN n.current THEN r.temp END AS temp,
       CASE WHEN n.current THEN r.rh END AS rh,
       CASE WHEN n.current THEN r.noise END AS noise,
       CASE WHEN n.current THEN r.light END AS light,
       r.last_heard, r.alert_rule, r.alert_since, r.alert_value
FROM published p
CROSS JOIN LATERAL jsonb_populate_record(NULL::space_shown, p.content) r
CROSS JOIN published_now n
WHERE p.view = 'space_shown';

CREATE VIEW series_published AS
SELECT r.series_id, r.device_id, r.space_id, r.name, r.quantity, r.unit, r.heard,
       CASE WHEN n.current OR r.state = 'never' THEN r.state WHEN r.state IS NOT NULL THEN 'silent' END AS state,
       r.time, r.value, r.quality
FROM published p
CROSS JOIN LATERAL jsonb_populate_record(NULL::series_shown, p.content) r
CROSS JOIN published_now n
WHERE p.view = 'series_shown';

CREATE VIEW device_published AS
SELECT r.device_id, r.silent OR NOT n.current AS silent,
       CASE WHEN n.current OR r.status <> 'online' THEN r.status ELSE 'unknown' END AS status,
       r.last_heard
FROM published p
CROSS JOIN LATERAL jsonb_populate_record(NULL::device_shown, p.content) r
CROSS JOIN published_now n
WHERE p.view = 'device_shown';

CREATE VIEW episode_published AS
SELECT r.rule, r.rule_version, r.space_id, r.opened_at, r.resolved_at, r.value, r.peak
FROM published p
CROSS JOIN LATERAL jsonb_populate_record(NULL::episode_shown, p.content) r
WHERE p.view = 'episode_shown';

CREATE VIEW ledger_complete_published AS
SELECT r.device_id, r.first_received_at, r.heard_on, r.missing, r.declared
FROM published p
CROSS JOIN LATERAL jsonb_populate_record(NULL::ledger_complete, p.content) r
WHERE p.view = 'ledger_complete';

-- Messages of sensors and what devices declared lost, by windows of five minutes.
CREATE VIEW ledger_published AS
SELECT r.start, r.stored, r.copies, r.cause, r.count AS lost
FROM published p
CROSS JOIN LATERAL jsonb_to_record(p.content)
    AS r (start timestamptz, stored bigint, copies bigint, cause text, count numeric)
WHERE p.view IN ('ledger_telemetry', 'ledger_lost');

-- The closed windows of all series of a quantity that begin between two times: too many to copy. A function in
-- PL/pgSQL shows in EXPLAIN what it returns only, and takes conditions on its rows afterwards.
CREATE FUNCTION readings_published(measured text, since timestamptz, until timestamptz) RETURNS TABLE (
    bucket timestamptz, series_id int, n bigint, mean double precision, min double precision, max double precision,
    suspect bigint
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT r.bucket, s.id, r.n, r.mean, r.min, r.max, r.suspect
    FROM series s
    JOIN device d ON d.id = s.device_id
    LEFT JOIN space p ON p.id = d.space_id
    CROSS JOIN LATERAL (
        SELECT * FROM reading_5m w
        WHERE w.series_id = s.id AND w.bucket >= window_start(since)
          AND w.bucket <= least(until, now() - count_window())
        OFFSET 0
    ) r
    WHERE s.quantity = measured AND NOT is_count(s.name, s.unit) AND p.personal IS NOT TRUE;
END $$;
