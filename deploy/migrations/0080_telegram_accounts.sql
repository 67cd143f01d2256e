-- Whose account a Telegram user's is, for what Telegram tells by webhook
-- depends: 0070_provider_news

-- migrate: apply

-- The accounts that some Telegram users sign in to; whoever has none is not among them. Asked only
-- about users whom Telegram itself named.
CREATE FUNCTION telegram_accounts(p_subjects text[])
RETURNS TABLE (subject_id text, account_id uuid)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT l.subject_id, l.account_id
    FROM identity_links AS l
    WHERE l.provider = 'telegram' AND l.subject_id = ANY(p_subjects)
$$;

REVOKE ALL ON FUNCTION telegram_accounts(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION telegram_accounts(text[]) TO pixelpop_gateway;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper;
ALTER FUNCTION telegram_accounts(text[]) OWNER TO pixelpop_keeper;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper;

-- migrate: rollback

DROP FUNCTION telegram_accounts(text[]);
