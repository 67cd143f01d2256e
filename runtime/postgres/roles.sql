-- name: lock
-- Two starts that renew one role at once would fail with "tuple concurrently updated".
-- Roles belong to the server, advisory locks to a database; logins are named after the database.
SELECT pg_advisory_xact_lock(8100137781808885617);

-- name: database
SELECT current_database();

-- name: role_exists
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1::text);

-- name: statements
-- Statements about roles take no parameters, so the server itself does the quoting.
SELECT array_remove(ARRAY[
    CASE WHEN $4::boolean THEN format('CREATE ROLE %I', $1::text) END,
    -- Its other rights stay away as they are by default: only a superuser may even mention them.
    format('ALTER ROLE %I LOGIN PASSWORD %L', $1::text, $3::text),
    format('GRANT %I TO %I', $2::text, $1::text),
    -- Whoever connects is the group, so what it makes belongs to the group.
    format('ALTER ROLE %I SET role = %L', $1::text, $2::text),
    -- A process that was stopped in the middle of a transaction must not keep its locks.
    format('ALTER ROLE %I SET idle_in_transaction_session_timeout = %L', $1::text, '60s')
], NULL);
