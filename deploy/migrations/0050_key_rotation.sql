-- Every account's key wrapped anew by another master key, while everything runs
-- depends: 0006_claim_holders

-- migrate: apply

-- Whoever turns the master key: sees wrapped keys, which are of no use without it, and nothing else.
DO $$
BEGIN
    BEGIN
        CREATE ROLE pixelpop_keys NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
    END;
    -- `pixelpop keys` connects as the owner and becomes this role.
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        EXECUTE format('GRANT pixelpop_keys TO %I WITH INHERIT FALSE, SET TRUE', current_user);
    END IF;
END
$$;

GRANT USAGE ON SCHEMA public TO pixelpop_keys;
GRANT UPDATE (wrapped_key, master_key_id) ON identities TO pixelpop_keeper;

-- How many accounts' keys each master key wraps.
CREATE FUNCTION wrapped_keys_by_master()
RETURNS TABLE (master_key_id text, accounts bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT i.master_key_id, count(*)
    FROM identities AS i
    GROUP BY i.master_key_id
    ORDER BY i.master_key_id
$$;

-- The next accounts, by id, whose key another master key than this one wraps.
CREATE FUNCTION keys_to_rewrap(p_master_key_id text, p_after uuid, p_limit integer)
RETURNS TABLE (account_id uuid, wrapped_key bytea)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT i.account_id, i.wrapped_key
    FROM identities AS i
    WHERE i.master_key_id <> p_master_key_id AND i.account_id > p_after
    ORDER BY i.account_id
    LIMIT least(p_limit, 10000)
$$;

-- Replace wrapped keys that are still what the caller read; how many were. An account that was
-- erased meanwhile has no row, and gets none.
CREATE FUNCTION rewrap_keys(
    p_accounts uuid[], p_read bytea[], p_wrapped bytea[], p_master_key_id text
) RETURNS bigint
LANGUAGE sql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    WITH replaced AS (
        UPDATE identities AS i
        SET wrapped_key = one.wrapped, master_key_id = p_master_key_id
        FROM unnest(p_accounts, p_read, p_wrapped) AS one (account_id, was, wrapped)
        WHERE i.account_id = one.account_id AND i.wrapped_key = one.was
        RETURNING 1
    )
    SELECT count(*) FROM replaced
$$;

REVOKE ALL ON FUNCTION wrapped_keys_by_master() FROM PUBLIC;
REVOKE ALL ON FUNCTION keys_to_rewrap(text, uuid, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION rewrap_keys(uuid[], bytea[], bytea[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wrapped_keys_by_master() TO pixelpop_keys;
GRANT EXECUTE ON FUNCTION keys_to_rewrap(text, uuid, integer) TO pixelpop_keys;
GRANT EXECUTE ON FUNCTION rewrap_keys(uuid[], bytea[], bytea[], text) TO pixelpop_keys;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper;
ALTER FUNCTION wrapped_keys_by_master() OWNER TO pixelpop_keeper;
ALTER FUNCTION keys_to_rewrap(text, uuid, integer) OWNER TO pixelpop_keeper;
ALTER FUNCTION rewrap_keys(uuid[], bytea[], bytea[], text) OWNER TO pixelpop_keeper;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper;

-- migrate: rollback

DROP FUNCTION rewrap_keys(uuid[], bytea[], bytea[], text);
DROP FUNCTION keys_to_rewrap(text, uuid, integer);
DROP FUNCTION wrapped_keys_by_master();
REVOKE UPDATE (wrapped_key, master_key_id) ON identities FROM pixelpop_keeper;
REVOKE USAGE ON SCHEMA public FROM pixelpop_keys;
