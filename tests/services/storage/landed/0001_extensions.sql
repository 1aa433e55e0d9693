-- btree_gist lets an exclusion constraint compare a badge and a time range together.
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- TimescaleDB is used wherever the server offers it; plain PostgreSQL is enough otherwise.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
       AND current_setting('shared_preload_libraries', true) LIKE '%timescaledb%' THEN
        CREATE EXTENSION IF NOT EXISTS timescaledb;
    END IF;
END $$;
