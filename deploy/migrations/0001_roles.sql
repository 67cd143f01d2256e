-- Group roles, one per process, with nothing but what each needs
-- depends:

-- migrate: apply

-- Roles belong to the whole server: they may exist from another database, and another database
-- may be making them at this moment. They cannot log in; each process gets a login of its own
-- that is a member of its group (runtime/postgres/roles.py).
-- The keeper owns the functions that must see more than their caller may; nothing runs as it.
DO $$
DECLARE
    group_role text;
BEGIN
    FOREACH group_role IN ARRAY ARRAY[
        'pixelpop_gateway',
        'pixelpop_decider',
        'pixelpop_worker',
        'pixelpop_projector',
        'pixelpop_keeper'
    ] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', group_role);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END LOOP;
    -- An owner that is no superuser needs this to hand the functions over to the keeper.
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        EXECUTE format('GRANT pixelpop_keeper TO %I WITH INHERIT FALSE, SET TRUE', current_user);
    END IF;
END
$$;

-- What PostgreSQL 15 and later do by themselves; older databases keep the right after an upgrade.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

GRANT USAGE ON SCHEMA public TO
    pixelpop_gateway, pixelpop_decider, pixelpop_worker, pixelpop_projector, pixelpop_keeper;

-- The projector makes a schema for every version of its read models.
DO $$
BEGIN
    EXECUTE format('GRANT CREATE ON DATABASE %I TO pixelpop_projector', current_database());
END
$$;

-- Whose rows this transaction may see: NULL, and so nobody's, unless it was set with
-- set_config('app.account_id', ..., true). A pooled connection has '' where another transaction
-- had set it.
CREATE FUNCTION app_account_id() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('app.account_id', true), '')::uuid;

-- migrate: rollback

DROP FUNCTION app_account_id();

DO $$
BEGIN
    EXECUTE format('REVOKE CREATE ON DATABASE %I FROM pixelpop_projector', current_database());
END
$$;

REVOKE USAGE ON SCHEMA public FROM
    pixelpop_gateway, pixelpop_decider, pixelpop_worker, pixelpop_projector, pixelpop_keeper;
