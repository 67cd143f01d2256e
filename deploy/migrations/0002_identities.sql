-- Who is behind an account, the key of what is sealed for it, and what outlives an erasure
-- depends: 0001_roles

-- migrate: apply

-- One row per account. This is not in the log and cannot be rebuilt from it: losing a row loses
-- the person's way to the account and everything that was sealed with the key.
-- An account has one outside identity today; a table of further ones would refer to this one, and
-- only sign_in() would have to know.
CREATE TABLE identities (
    account_id uuid PRIMARY KEY,
    provider text NOT NULL CHECK (provider ~ '^[a-z0-9_]{1,32}$'),
    subject_id text NOT NULL CHECK (length(subject_id) BETWEEN 1 AND 255),
    wrapped_key bytea NOT NULL CHECK (octet_length(wrapped_key) BETWEEN 48 AND 256),
    master_key_id text NOT NULL CHECK (master_key_id ~ '^[0-9a-f]{16}$'),
    -- When UserRegistered was acked by the log; NULL: it has to be appended (again).
    registered_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (provider, subject_id)
);

ALTER TABLE identities ENABLE ROW LEVEL SECURITY;
ALTER TABLE identities FORCE ROW LEVEL SECURITY;

GRANT SELECT, UPDATE (registered_at) ON identities TO pixelpop_gateway;
GRANT SELECT ON identities TO pixelpop_worker;
GRANT SELECT, INSERT ON identities TO pixelpop_keeper;

CREATE POLICY own_row ON identities
TO pixelpop_gateway, pixelpop_worker
USING (account_id = app_account_id());

CREATE POLICY keeper ON identities
TO pixelpop_keeper
USING (true);

-- One row per outside identity that ever signed in, under a name that does not tell whose it is.
-- It survives an erasure, so that nobody sheds a ban or a debt or is welcomed twice.
CREATE TABLE identity_marks (
    mark bytea PRIMARY KEY CHECK (octet_length(mark) = 32),
    -- The account that the welcome grant went, or goes, to.
    welcomed_account uuid,
    banned boolean NOT NULL DEFAULT false,
    -- Credits that an erased account still owed.
    owes bigint NOT NULL DEFAULT 0 CHECK (owes >= 0),
    created_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE identity_marks ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity_marks FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE ON identity_marks TO pixelpop_keeper;

CREATE POLICY keeper ON identity_marks
TO pixelpop_keeper
USING (true);

-- Find the account of an outside identity, or make it with the offered id and key.
-- Callable before an account is known, when row-level security hides every row.
--   newly_made: this call made the account.
--   registered: its UserRegistered was acked.
--   welcome: the welcome grant belongs to this account. It stays true, so a retry grants it again
--     under the same deterministic event id.
--   banned: nothing was made; account_id is NULL where there is no account.
CREATE FUNCTION sign_in(
    p_provider text,
    p_subject_id text,
    p_mark bytea,
    p_account_id uuid,
    p_wrapped_key bytea,
    p_master_key_id text
) RETURNS TABLE (
    account_id uuid,
    wrapped_key bytea,
    newly_made boolean,
    registered boolean,
    welcome boolean,
    banned boolean,
    owes bigint
)
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    known identities%ROWTYPE;
    marked identity_marks%ROWTYPE;
    made boolean := false;
BEGIN
    SELECT * INTO known FROM identities WHERE provider = p_provider AND subject_id = p_subject_id;
    SELECT * INTO marked FROM identity_marks WHERE mark = p_mark;

    IF known.account_id IS NULL OR marked.mark IS NULL THEN
        -- The mark's row is the lock: of two first sign-ins at once one makes the account.
        INSERT INTO identity_marks (mark) VALUES (p_mark) ON CONFLICT (mark) DO NOTHING;
        SELECT * INTO marked FROM identity_marks WHERE mark = p_mark FOR UPDATE;
        SELECT * INTO known
        FROM identities
        WHERE provider = p_provider AND subject_id = p_subject_id;

        IF known.account_id IS NULL AND NOT marked.banned THEN
            INSERT INTO identities (account_id, provider, subject_id, wrapped_key, master_key_id)
            VALUES (p_account_id, p_provider, p_subject_id, p_wrapped_key, p_master_key_id)
            RETURNING * INTO known;
            made := true;
            UPDATE identity_marks
            SET welcomed_account = coalesce(welcomed_account, p_account_id)
            WHERE mark = p_mark
            RETURNING * INTO marked;
        END IF;
    END IF;

    RETURN QUERY SELECT
        known.account_id,
        known.wrapped_key,
        made,
        known.registered_at IS NOT NULL,
        coalesce(marked.welcomed_account = known.account_id, false),
        marked.banned,
        marked.owes;
END
$$;

REVOKE ALL ON FUNCTION sign_in(text, text, bytea, uuid, bytea, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sign_in(text, text, bytea, uuid, bytea, text) TO pixelpop_gateway;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper;
ALTER FUNCTION sign_in(text, text, bytea, uuid, bytea, text) OWNER TO pixelpop_keeper;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper;

-- migrate: rollback

DROP FUNCTION sign_in(text, text, bytea, uuid, bytea, text);
DROP TABLE identity_marks;
DROP TABLE identities;
