-- The keys of many accounts at once, for a gateway that many of them have just come to
-- depends: 0003_provider_calls

-- migrate: apply

-- Row-level security shows a transaction one account's row, so asking as each account costs four
-- round trips apiece. This tells the wrapped keys of exactly the accounts that are named: a caller
-- that keeps another's identity by mistake still gets nobody's key but those it asked for.
CREATE FUNCTION wrapped_keys(p_accounts uuid[])
RETURNS TABLE (account_id uuid, wrapped_key bytea)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT i.account_id, i.wrapped_key
    FROM unnest(p_accounts) AS asked (account_id)
    JOIN identities AS i ON i.account_id = asked.account_id
$$;

REVOKE ALL ON FUNCTION wrapped_keys(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION wrapped_keys(uuid[]) TO pixelpop_gateway;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper;
ALTER FUNCTION wrapped_keys(uuid[]) OWNER TO pixelpop_keeper;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper;

-- migrate: rollback

DROP FUNCTION wrapped_keys(uuid[]);
