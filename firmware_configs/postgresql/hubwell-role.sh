#!/bin/sh
# Run once by the database's image, when its volume is new: the role of the server's processes, which owns the
# hub's database and nothing else. The superuser `postgres` is for the operator and for Grafana's role.
set -eu
psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv password HUBWELL_DATABASE_PASSWORD
CREATE ROLE hubwell LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'password';
SELECT format('ALTER DATABASE %I OWNER TO hubwell', current_database()) \gexec
SQL
