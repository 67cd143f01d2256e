-- A proof of identity that was used makes no account
-- depends: 0010_identity_links

-- migrate: apply

-- As sign_in(), for a proof; no row: the proof was used, and what it signed in to is gone. Whatever
-- still shows it then (a MiniApp that was left open, for one) must not make the person's next
-- account: for that they sign in anew.
CREATE FUNCTION sign_in_by(
    p_provider text,
    p_subject_id text,
    p_mark bytea,
    p_account_id uuid,
    p_wrapped_key bytea,
    p_master_key_id text,
    p_proof bytea
) RETURNS TABLE (
    account_id uuid,
    wrapped_key bytea,
    newly_made boolean,
    registered boolean,
    welcome boolean,
    banned boolean
)
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF EXISTS (SELECT FROM identity_proofs WHERE mark = p_proof) THEN
        -- An erasure locks it first, so what is found below is there until this is over.
        PERFORM FROM identity_marks WHERE mark = p_mark FOR UPDATE;
        IF NOT EXISTS (
            SELECT FROM identity_links WHERE provider = p_provider AND subject_id = p_subject_id
        ) AND NOT EXISTS (
            SELECT FROM identity_marks WHERE mark = p_mark AND banned
        ) THEN
            RETURN;
        END IF;
    END IF;
    RETURN QUERY SELECT
        s.account_id, s.wrapped_key, s.newly_made, s.registered, s.welcome, s.banned
    FROM sign_in(
        p_provider, p_subject_id, p_mark, p_account_id, p_wrapped_key, p_master_key_id
    ) AS s;
END
$$;

REVOKE ALL ON FUNCTION
sign_in_by(text, text, bytea, uuid, bytea, text, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
sign_in_by(text, text, bytea, uuid, bytea, text, bytea) TO pixelpop_gateway;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper;
ALTER FUNCTION sign_in_by(text, text, bytea, uuid, bytea, text, bytea) OWNER TO pixelpop_keeper;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper;

-- migrate: rollback

DROP FUNCTION sign_in_by(text, text, bytea, uuid, bytea, text, bytea);
