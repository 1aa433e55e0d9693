-- The role by which Grafana reads: views and counts, nothing personal. Run it after every `hubwell migrate`,
-- as the owner of the tables, on the database itself; running it again changes nothing but the password:
--
--   psql -v ON_ERROR_STOP=1 -c "SET hubwell.grafana_password = '...'" \
--        -c "SET hubwell.zone = 'Europe/Helsinki'" -f grafana_reader.sql DATABASE
--
-- Not readable on purpose: tap and visit (who was where; space_now shows groups of five or more only),
-- reading (the rollup is enough), event, delivery and the queue, the payload and reason of rejected messages
-- (either may quote a badge), and the kind and time of a ledger row (together they would count taps).
DO $$
DECLARE
    password text := nullif(current_setting('hubwell.grafana_password', true), '');
    zone text := coalesce(nullif(current_setting('hubwell.zone', true), ''), 'UTC');
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hubwell_grafana') THEN
        CREATE ROLE hubwell_grafana LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 10;
    END IF;
    IF password IS NOT NULL THEN
        EXECUTE format('ALTER ROLE hubwell_grafana PASSWORD %L', password);
    END IF;
    -- Days on the dashboard are days of the hub.
    EXECUTE format('ALTER ROLE hubwell_grafana SET timezone = %L', zone);
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO hubwell_grafana', current_database());
END $$;

ALTER ROLE hubwell_grafana SET default_transaction_read_only = on;
ALTER ROLE hubwell_grafana SET statement_timeout = '30s';

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM hubwell_grafana;
GRANT USAGE ON SCHEMA public TO hubwell_grafana;
GRANT SELECT ON space_now, series_now, reading_5m, space, series, gap, stream TO hubwell_grafana;
GRANT SELECT (id, space_id, name, registered_at, status, status_at) ON device TO hubwell_grafana;
GRANT SELECT (rule, rule_version, space_id, opened_at, resolved_at, value, peak) ON episode TO hubwell_grafana;
GRANT SELECT (stream_id, received_at, verdict, copies) ON message TO hubwell_grafana;
GRANT SELECT (device_id, code, size, first_at, last_at, copies) ON rejected TO hubwell_grafana;
