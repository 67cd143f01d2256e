-- name: about
SELECT
    current_setting('server_version') AS version,
    current_user::text AS role,
    extract(EPOCH FROM clock_timestamp())::double precision AS now,
    to_regclass('public._pogo_migration') IS NOT NULL AS migrated;

-- name: migrations
SELECT coalesce(array_agg(migration_id), '{}')
FROM public._pogo_migration;
