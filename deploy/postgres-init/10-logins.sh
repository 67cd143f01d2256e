#!/bin/sh
# A login for each process, member of its group role and nothing more (docs/deployment.md).
#
# The PostgreSQL image runs this once, when it makes a new data volume. It may be run again by
# hand, for instance to set other passwords: what exists is kept, passwords are renewed.
# Needs GATEWAY_DB_PASSWORD, DECIDER_DB_PASSWORD, WORKER_DB_PASSWORD, PROJECTOR_DB_PASSWORD,
# ERASER_DB_PASSWORD, WEBHOOKS_DB_PASSWORD, MESSAGES_DB_PASSWORD and AUDITOR_DB_PASSWORD.
set -eu

login() {
    # The password goes in by psql's own environment: an argument would show in the process list.
    NEW_PASSWORD="$2" psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 \
        --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
        --set login="$1" --set group="pixelpop_$1" <<'SQL'
\getenv password NEW_PASSWORD
SELECT format('CREATE ROLE %I NOLOGIN', :'group')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'group') \gexec
SELECT format('CREATE ROLE %I', :'login')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'login') \gexec
ALTER ROLE :"login" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE INHERIT NOREPLICATION NOBYPASSRLS
    PASSWORD :'password';
GRANT :"group" TO :"login";
-- Whoever connects is the group, so what it makes belongs to the group.
ALTER ROLE :"login" SET role = :'group';
-- A process that was stopped in the middle of a transaction must not keep its locks.
ALTER ROLE :"login" SET idle_in_transaction_session_timeout = '60s';
SQL
}

login gateway "$GATEWAY_DB_PASSWORD"
login decider "$DECIDER_DB_PASSWORD"
login worker "$WORKER_DB_PASSWORD"
login projector "$PROJECTOR_DB_PASSWORD"
login eraser "$ERASER_DB_PASSWORD"
login webhooks "$WEBHOOKS_DB_PASSWORD"
login messages "$MESSAGES_DB_PASSWORD"
login auditor "$AUDITOR_DB_PASSWORD"
