-- name: lock
-- One at a time makes, swaps or drops schemas. The number is "pxproj" in ASCII.
SELECT pg_advisory_xact_lock(123680957984362);

-- name: become_owner
SET LOCAL ROLE pixelpop_projector;

-- name: create_home
CREATE SCHEMA IF NOT EXISTS read;

GRANT USAGE ON SCHEMA read TO pixelpop_gateway;

-- Every schema of read models that exists.
CREATE TABLE IF NOT EXISTS read.versions (
    number integer PRIMARY KEY,
    schema text NOT NULL UNIQUE,
    -- Names its consumer group, so that a schema made anew under an old name begins anew.
    uid uuid NOT NULL DEFAULT gen_random_uuid(),
    -- What code can fill it.
    projection_version integer NOT NULL,
    fold_version integer NOT NULL,
    -- filling: by a rebuild; serving: behind the views; previous: kept up to date until dropped.
    state text NOT NULL CHECK (state IN ('filling', 'serving', 'previous')),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX IF NOT EXISTS one_is_serving ON read.versions (state)
WHERE state <> 'previous';

-- name: has_home
SELECT to_regclass('read.versions') IS NOT NULL;

-- name: list
SELECT number, schema, uid::text AS uid, projection_version, fold_version, state
FROM read.versions
ORDER BY number;

-- name: add
INSERT INTO read.versions (number, schema, projection_version, fold_version, state)
SELECT n, 'read_v' || n, $1, $2, $3
FROM (SELECT coalesce(max(number), 0) + 1 AS n FROM read.versions) AS next
RETURNING number, schema, uid::text AS uid, projection_version, fold_version, state;

-- name: remove
DELETE FROM read.versions WHERE schema = $1;

-- name: set_state
UPDATE read.versions SET state = $2 WHERE schema = $1;

-- name: demote_serving
UPDATE read.versions SET state = 'previous' WHERE state = 'serving';

-- name: create_schema
DO $$
BEGIN
    EXECUTE format('CREATE SCHEMA %I', current_setting('search_path'));
    EXECUTE format(
        'GRANT USAGE ON SCHEMA %I TO pixelpop_gateway', current_setting('search_path')
    );
END
$$;

-- name: drop_schema
DO $$
BEGIN
    EXECUTE format('DROP SCHEMA %I CASCADE', current_setting('search_path'));
END
$$;

-- name: secure
-- Row-level security for every table that has an account id, whoever adds one.
DO $$
DECLARE
    secured regclass;
BEGIN
    FOR secured IN
        SELECT c.oid
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'account_id'
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', secured);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', secured);
        EXECUTE format(
            'CREATE POLICY own_rows ON %s FOR SELECT TO pixelpop_gateway '
            'USING (account_id = public.app_account_id())',
            secured
        );
        EXECUTE format(
            'CREATE POLICY projector ON %s TO pixelpop_projector USING (true)', secured
        );
    END LOOP;
END
$$;

-- name: set_search_path
SELECT set_config('search_path', $1, true);
