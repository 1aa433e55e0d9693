-- The role by which Grafana reads: views and counts, nothing personal. Run it after every `hubwell migrate`,
-- as the owner of the tables, on the database itself; running it again changes nothing but the password:
--
--   psql -v ON_ERROR_STOP=1 -c "SET hubwell.grafana_password = '...'" \
--        -c "SET hubwell.zone = 'Europe/Helsinki'" -f grafana_reader.sql DATABASE
--
-- Not readable on purpose: people and what is theirs (person, credential, tap, visit and the rest); what counts
-- taps (stream, message, gap: the views ledger_* leave them out, and device_heard does not go by messages); what
-- the gate remembers (people_gate); single readings (the rollup is enough); event, delivery and the queue; the
-- payload and reason of rejected messages (either may quote a badge).
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
GRANT SELECT ON space_now, series_now, reading_5m, space, series, people_figure TO hubwell_grafana;
GRANT SELECT ON device_heard, ledger_telemetry, ledger_lost, ledger_complete TO hubwell_grafana;
GRANT SELECT (id, space_id, name, registered_at, status, status_at) ON device TO hubwell_grafana;
GRANT SELECT (rule, rule_version, space_id, opened_at, resolved_at, value, peak) ON episode TO hubwell_grafana;
GRANT SELECT (device_id, code, first_at, copies) ON rejected TO hubwell_grafana;
