-- Several outside identities for one account; a proof of identity opens one session; bans by account
-- depends: 0030_erasures

-- migrate: apply

-- The outside identities that may sign in to an account. Outside identities are personal data and
-- stand nowhere else in clear.
CREATE TABLE identity_links (
    link_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL REFERENCES identities ON DELETE CASCADE,
    -- `telegram`, or `oidc_` and the beginning of a hash of the issuer's address: another issuer
    -- is another provider, so that its subjects are nobody's here.
    provider text NOT NULL CHECK (provider ~ '^[a-z0-9_]{1,32}$'),
    subject_id text NOT NULL CHECK (length(subject_id) BETWEEN 1 AND 255),
    linked_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (provider, subject_id)
);

CREATE INDEX identity_links_by_account ON identity_links (account_id);

-- An owner that is no superuser is bound by the policies too, and would copy nothing.
ALTER TABLE identities NO FORCE ROW LEVEL SECURITY;
ALTER TABLE identity_marks NO FORCE ROW LEVEL SECURITY;

INSERT INTO identity_links (account_id, provider, subject_id, linked_at)
SELECT account_id, provider, subject_id, created_at
FROM identities;

ALTER TABLE identities
DROP COLUMN provider,
DROP COLUMN subject_id;

-- The account that a mark's outside identity signed in to last, or was linked to: a ban of that
-- account is a ban of its marks. NULL: that account is gone, and so is what led to it.
ALTER TABLE identity_marks
ADD COLUMN account_id uuid REFERENCES identities ON DELETE SET NULL;

UPDATE identity_marks
SET account_id = welcomed_account
WHERE welcomed_account IN (SELECT identities.account_id FROM identities);

CREATE INDEX identity_marks_by_account ON identity_marks (account_id)
WHERE account_id IS NOT NULL;
CREATE INDEX identity_marks_by_welcome ON identity_marks (welcomed_account)
WHERE welcomed_account IS NOT NULL;

ALTER TABLE identities FORCE ROW LEVEL SECURITY;
ALTER TABLE identity_marks FORCE ROW LEVEL SECURITY;

ALTER TABLE identity_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity_links FORCE ROW LEVEL SECURITY;

GRANT SELECT ON identity_links TO pixelpop_gateway;
GRANT SELECT, INSERT, DELETE ON identity_links TO pixelpop_keeper;
-- So that it can lock an account's row.
GRANT UPDATE (registered_at) ON identities TO pixelpop_keeper;

-- The eraser reads whose an account is, to make the marks; it can read no key.
GRANT SELECT (account_id, provider, subject_id) ON identity_links TO pixelpop_eraser;
GRANT SELECT (account_id) ON identities TO pixelpop_eraser;

CREATE POLICY eraser ON identity_links FOR SELECT TO pixelpop_eraser USING (true);

CREATE POLICY own_rows ON identity_links
TO pixelpop_gateway
USING (account_id = app_account_id());

CREATE POLICY keeper ON identity_links
TO pixelpop_keeper
USING (true);

-- What has been used to sign in: init data, the Login Widget's data, a state of OpenID Connect.
-- One such proof opens one session, and opens it again only for whoever has the session key that
-- came with it first; or it is sent with every request instead (`direct`), and opens none.
CREATE TABLE identity_proofs (
    mark bytea PRIMARY KEY CHECK (octet_length(mark) = 32),
    direct boolean NOT NULL,
    -- SHA-256 of the session key; NULL: there was none, so it opens nothing again.
    session_key_hash bytea CHECK (octet_length(session_key_hash) = 32),
    -- When the proof is too old anyway.
    good_until timestamptz NOT NULL,
    CHECK (NOT direct OR session_key_hash IS NULL)
);

CREATE INDEX identity_proofs_by_end ON identity_proofs (good_until);

ALTER TABLE identity_proofs ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity_proofs FORCE ROW LEVEL SECURITY;

-- UPDATE only so that rows can be locked.
GRANT SELECT, INSERT, DELETE, UPDATE (good_until) ON identity_proofs TO pixelpop_keeper;

CREATE POLICY keeper ON identity_proofs
TO pixelpop_keeper
USING (true);

-- Use a proof; false: it was used by somebody else, or in the other way.
CREATE FUNCTION use_proof(
    p_mark bytea,
    p_direct boolean,
    p_session_key_hash bytea,
    p_good_until timestamptz
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    used identity_proofs%ROWTYPE;
BEGIN
    INSERT INTO identity_proofs (mark, direct, session_key_hash, good_until)
    VALUES (p_mark, p_direct, p_session_key_hash, p_good_until)
    ON CONFLICT (mark) DO NOTHING;
    IF FOUND THEN
        -- Each new one takes two old ones away, so the table stays as large as one age of proofs.
        DELETE FROM identity_proofs
        WHERE mark IN (
            SELECT mark
            FROM identity_proofs
            WHERE good_until < now() - interval '1 hour'
            ORDER BY good_until
            LIMIT 2
            FOR UPDATE SKIP LOCKED
        );
        RETURN true;
    END IF;
    SELECT * INTO used FROM identity_proofs WHERE mark = p_mark;
    RETURN used.direct = p_direct
        AND (p_direct OR coalesce(used.session_key_hash = p_session_key_hash, false));
END
$$;

-- As before, over the links. Only its owner may replace it, who must be allowed to make things.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper;
SET LOCAL ROLE pixelpop_keeper;

CREATE OR REPLACE FUNCTION sign_in(
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
    barred boolean;
BEGIN
    SELECT i.* INTO known
    FROM identity_links AS l JOIN identities AS i ON i.account_id = l.account_id
    WHERE l.provider = p_provider AND l.subject_id = p_subject_id;
    SELECT * INTO marked FROM identity_marks WHERE mark = p_mark;

    IF known.account_id IS NULL OR marked.mark IS NULL
        OR marked.account_id IS DISTINCT FROM known.account_id
    THEN
        -- The mark's row is the lock: of two first sign-ins at once one makes the account.
        INSERT INTO identity_marks (mark) VALUES (p_mark) ON CONFLICT (mark) DO NOTHING;
        SELECT * INTO marked FROM identity_marks WHERE mark = p_mark FOR UPDATE;
        SELECT i.* INTO known
        FROM identity_links AS l JOIN identities AS i ON i.account_id = l.account_id
        WHERE l.provider = p_provider AND l.subject_id = p_subject_id;

        IF known.account_id IS NULL AND NOT marked.banned THEN
            INSERT INTO identities (account_id, wrapped_key, master_key_id)
            VALUES (p_account_id, p_wrapped_key, p_master_key_id)
            RETURNING * INTO known;
            INSERT INTO identity_links (account_id, provider, subject_id)
            VALUES (p_account_id, p_provider, p_subject_id);
            made := true;
        END IF;
        IF known.account_id IS NOT NULL THEN
            UPDATE identity_marks
            SET
                account_id = known.account_id,
                welcomed_account = coalesce(welcomed_account, known.account_id)
            WHERE mark = p_mark
            RETURNING * INTO marked;
        END IF;
    END IF;

    barred := marked.banned OR EXISTS (
        SELECT FROM identity_marks AS m WHERE m.account_id = known.account_id AND m.banned
    );
    RETURN QUERY SELECT
        known.account_id,
        known.wrapped_key,
        made,
        known.registered_at IS NOT NULL,
        coalesce(marked.welcomed_account = known.account_id, false),
        barred,
        marked.owes;
END
$$;

RESET ROLE;

-- Let one more outside identity sign in to the caller's account.
--   linked, already (it was), taken (by another account), banned, full, gone (the account is)
CREATE FUNCTION link_identity(
    p_provider text,
    p_subject_id text,
    p_mark bytea,
    p_links_max integer
) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    mine uuid := app_account_id();
    owner uuid;
    marked identity_marks%ROWTYPE;
BEGIN
    INSERT INTO identity_marks (mark) VALUES (p_mark) ON CONFLICT (mark) DO NOTHING;
    SELECT * INTO marked FROM identity_marks WHERE mark = p_mark FOR UPDATE;
    -- The account's row is the lock of how many there are; after the mark's, as in sign_in().
    PERFORM FROM identities WHERE account_id = mine FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'gone';
    END IF;
    SELECT account_id INTO owner
    FROM identity_links
    WHERE provider = p_provider AND subject_id = p_subject_id;
    IF marked.banned THEN
        RETURN 'banned';
    ELSIF owner = mine THEN
        RETURN 'already';
    ELSIF owner IS NOT NULL THEN
        RETURN 'taken';
    ELSIF (SELECT count(*) FROM identity_links WHERE account_id = mine) >= p_links_max THEN
        RETURN 'full';
    END IF;
    INSERT INTO identity_links (account_id, provider, subject_id)
    VALUES (mine, p_provider, p_subject_id);
    UPDATE identity_marks SET account_id = mine WHERE mark = p_mark;
    RETURN 'linked';
END
$$;

-- Take an outside identity from the caller's account: unlinked, missing, last.
CREATE FUNCTION unlink_identity(p_link_id uuid) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    mine uuid := app_account_id();
BEGIN
    PERFORM FROM identities WHERE account_id = mine FOR UPDATE;
    PERFORM FROM identity_links WHERE link_id = p_link_id AND account_id = mine;
    IF NOT FOUND THEN
        RETURN 'missing';
    ELSIF (SELECT count(*) FROM identity_links WHERE account_id = mine) < 2 THEN
        RETURN 'last';
    END IF;
    DELETE FROM identity_links WHERE link_id = p_link_id AND account_id = mine;
    RETURN 'unlinked';
END
$$;

-- Accounts' wrapped keys, and whether they are banned; of exactly those that are named.
CREATE FUNCTION account_standings(p_accounts uuid[])
RETURNS TABLE (account_id uuid, wrapped_key bytea, banned boolean)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT
        i.account_id,
        i.wrapped_key,
        EXISTS (SELECT FROM identity_marks AS m WHERE m.account_id = i.account_id AND m.banned)
    FROM unnest(p_accounts) AS asked (account_id)
    JOIN identities AS i ON i.account_id = asked.account_id
$$;

-- After an erasure a mark says that somebody was welcomed, not under which account.
CREATE FUNCTION forget_welcomed_account() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    UPDATE identity_marks
    SET welcomed_account = '00000000-0000-0000-0000-000000000000'
    WHERE welcomed_account = old.account_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER forget_welcomed_account AFTER DELETE ON identities
FOR EACH ROW EXECUTE FUNCTION forget_welcomed_account();

REVOKE ALL ON FUNCTION use_proof(bytea, boolean, bytea, timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION link_identity(text, text, bytea, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION unlink_identity(uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION account_standings(uuid[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION forget_welcomed_account() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION use_proof(bytea, boolean, bytea, timestamptz) TO pixelpop_gateway;
GRANT EXECUTE ON FUNCTION link_identity(text, text, bytea, integer) TO pixelpop_gateway;
GRANT EXECUTE ON FUNCTION unlink_identity(uuid) TO pixelpop_gateway;
GRANT EXECUTE ON FUNCTION account_standings(uuid[]) TO pixelpop_gateway;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper;
ALTER FUNCTION use_proof(bytea, boolean, bytea, timestamptz) OWNER TO pixelpop_keeper;
ALTER FUNCTION link_identity(text, text, bytea, integer) OWNER TO pixelpop_keeper;
ALTER FUNCTION unlink_identity(uuid) OWNER TO pixelpop_keeper;
ALTER FUNCTION account_standings(uuid[]) OWNER TO pixelpop_keeper;
ALTER FUNCTION forget_welcomed_account() OWNER TO pixelpop_keeper;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper;

-- migrate: rollback

-- What sign_in() did before is in 0002: whoever goes back for good makes it again from there.
ALTER TABLE identities NO FORCE ROW LEVEL SECURITY;
ALTER TABLE identity_links NO FORCE ROW LEVEL SECURITY;
ALTER TABLE identities ADD COLUMN provider text, ADD COLUMN subject_id text;
UPDATE identities AS i
SET provider = l.provider, subject_id = l.subject_id
FROM identity_links AS l
WHERE l.account_id = i.account_id;
ALTER TABLE identities ADD UNIQUE (provider, subject_id);
ALTER TABLE identities FORCE ROW LEVEL SECURITY;

DROP TRIGGER forget_welcomed_account ON identities;
DROP FUNCTION forget_welcomed_account();
DROP FUNCTION account_standings(uuid[]);
DROP FUNCTION unlink_identity(uuid);
DROP FUNCTION link_identity(text, text, bytea, integer);
DROP FUNCTION use_proof(bytea, boolean, bytea, timestamptz);
DROP TABLE identity_proofs;
DROP TABLE identity_links;
DROP INDEX identity_marks_by_welcome;
ALTER TABLE identity_marks DROP COLUMN account_id;
