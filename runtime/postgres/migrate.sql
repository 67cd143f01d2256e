-- name: never_idle_out
-- The transaction that holds the lock is idle by intent while the migrations run.
SELECT set_config('idle_in_transaction_session_timeout', '0', true);

-- name: try_lock
-- The number is "pixelpop" in ASCII; advisory locks are one per database.
SELECT pg_try_advisory_xact_lock(8100137781808885616);

-- name: make_digests
CREATE TABLE IF NOT EXISTS public.migration_digests (
    name text PRIMARY KEY,
    digest bytea NOT NULL
);

-- name: get_digests
SELECT name, digest
FROM public.migration_digests
ORDER BY name;

-- name: add_digests
INSERT INTO public.migration_digests (name, digest)
SELECT given.name, given.digest
FROM unnest($1::text[], $2::bytea[]) AS given (name, digest)
JOIN public._pogo_migration AS applied ON applied.migration_id = given.name
ON CONFLICT (name) DO NOTHING;
