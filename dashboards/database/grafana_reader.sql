-- The role by which Grafana reads: views and counts, nothing personal. Run it after every `hubwell migrate`,
-- as a superuser, on the database itself; running it again changes nothing but the password:
--
--   cat settings.psql grafana_reader.sql | psql -v ON_ERROR_STOP=1 DATABASE
--
-- Not readable on purpose: people and what is theirs (person, credential, tap, visit and the rest); what counts
-- taps (stream, message, gap: ledger_published leaves them out, and device_heard does not go by messages); what
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
GRANT SELECT ON space_published, series_published, device_published, episode_published, people_now TO hubwell_grafana;
GRANT SELECT ON ledger_published, ledger_complete_published TO hubwell_grafana;
-- No view of live tables: EXPLAIN ANALYZE shows how many rows of them a query reads.
DO $$ BEGIN PERFORM publish_shown(), publish_ledger(); END $$;
-- Of tables columns only: a right to the whole table includes its system columns, and each visit leaves a trace in the
-- column xmax of its space.
GRANT SELECT (id, name, kind, capacity, zone, personal, archived_at) ON space TO hubwell_grafana;
GRANT SELECT (id, device_id, name, quantity, unit) ON series TO hubwell_grafana;
GRANT SELECT (scope, place, start, about, fullness, withheld) ON people_figure TO hubwell_grafana;
GRANT SELECT (id, space_id, name, registered_at, status, status_at) ON device TO hubwell_grafana;
GRANT SELECT (device_id, code, first_at, copies) ON rejected TO hubwell_grafana;

-- Every role of a server sees its locks, statistics and counters of transactions, in which each tap leaves a trace.
-- Only a superuser can take these rights from PUBLIC; the owner of the tables and the roles of monitoring keep them.
-- What cannot be taken (docs/privacy-figures.md): the number of transactions in a few catalogs' system columns.
DO $$
DECLARE
    owner name := (SELECT tableowner FROM pg_tables WHERE schemaname = 'public' AND tablename = 'space');
    routine regprocedure;
    other name;
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RAISE WARNING 'hubwell_grafana still sees locks and statistics of this server: run this file as a superuser';
        RETURN;
    END IF;
    FOR routine IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f'
          AND has_function_privilege('public', oid, 'EXECUTE')
          AND (proname ~ '^pg_(try_)?advisory_|^pg_stat_get_|^pg_lock_status$|blocking_pids$|^pg_(database|indexes|relation|table|tablespace|total_relation)_size$'
            OR proname ~ '^pg_(current|last|control|export|xact|snapshot|visible|get_multixact|get_replication|prepared|notification|logical|create_logical|replication|stat|walfile|wal)_'
            OR proname ~ '^txid_|^pg_current_|^mxid_age$|^lo_(creat|create|from_bytea|import)$'
            OR oid = 'age(xid)'::regprocedure)
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', routine);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I, pg_monitor', routine, owner);
    END LOOP;
    -- Without the columns that count rows, pages and transactions.
    IF has_table_privilege('public', 'pg_class', 'SELECT') THEN
        REVOKE SELECT ON pg_class FROM PUBLIC;
        EXECUTE format('GRANT SELECT ON pg_class TO %I, pg_monitor', owner);
        EXECUTE (
            SELECT format('GRANT SELECT (%s) ON pg_class TO PUBLIC', string_agg(quote_ident(attname), ', '))
            FROM pg_attribute
            WHERE attrelid = 'pg_class'::regclass AND attnum > 0
              AND attname !~ '^rel(pages|tuples|allvisible|allfrozen|frozenxid|minmxid|filenode)$'
        );
    END IF;
    -- A role that can create something finds the number of the transaction in it.
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), owner);
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    EXECUTE format('GRANT CREATE ON SCHEMA public TO %I', owner);
    -- Locks and activity are those of the whole server, seen from each of its databases.
    FOR other IN
        SELECT datname FROM pg_database
        WHERE datallowconn AND datname <> current_database() AND has_database_privilege('public', oid, 'CONNECT')
    LOOP
        IF other IN ('postgres', 'template1') THEN
            EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', other);
        ELSE
            RAISE WARNING 'hubwell_grafana can connect to the database % and sees locks and statistics there', other;
        END IF;
    END LOOP;
END $$;
