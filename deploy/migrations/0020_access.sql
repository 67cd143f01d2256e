-- What an account may do: roles and API keys; and acts that the log was not told of yet
-- depends: 0010_identity_links

-- migrate: apply

-- Roles that an admin granted; those of the settings stand nowhere here.
CREATE TABLE role_grants (
    account_id uuid NOT NULL REFERENCES identities ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('analyst', 'auditor', 'admin')),
    granted_by uuid NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, role)
);

-- A key itself is shown once and kept nowhere. It holds 256 random bits, so its plain SHA-256
-- can be looked for and not be guessed.
CREATE TABLE api_keys (
    key_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES identities ON DELETE CASCADE,
    secret_hash bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    -- Its first characters, by which its owner tells it from others.
    hint text NOT NULL CHECK (length(hint) BETWEEN 1 AND 20),
    -- Sealed for the account, like everything that a person wrote.
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 2000),
    scopes text[] NOT NULL CHECK (cardinality(scopes) BETWEEN 1 AND 50),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    -- To the minute.
    last_used_at timestamptz,
    revoked_at timestamptz
);

CREATE INDEX api_keys_by_account ON api_keys (account_id, created_at DESC, key_id);

-- An act's event is written here with the act itself, and removed once the log has acked it:
-- whoever dies in between leaves nothing untold.
CREATE TABLE untold_acts (
    event_id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    value bytea NOT NULL CHECK (octet_length(value) <= 100000),
    made_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX untold_acts_by_age ON untold_acts (made_at);

ALTER TABLE role_grants ENABLE ROW LEVEL SECURITY;
ALTER TABLE role_grants FORCE ROW LEVEL SECURITY;
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;
ALTER TABLE untold_acts ENABLE ROW LEVEL SECURITY;
ALTER TABLE untold_acts FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, DELETE ON role_grants TO pixelpop_gateway;
GRANT SELECT, INSERT, UPDATE (revoked_at) ON api_keys TO pixelpop_gateway;
GRANT INSERT, DELETE ON untold_acts TO pixelpop_gateway;
GRANT SELECT (event_id, account_id) ON untold_acts TO pixelpop_gateway;

CREATE POLICY own_rows ON role_grants TO pixelpop_gateway USING (account_id = app_account_id());
CREATE POLICY own_rows ON api_keys TO pixelpop_gateway USING (account_id = app_account_id());
CREATE POLICY own_rows ON untold_acts TO pixelpop_gateway USING (account_id = app_account_id());

GRANT SELECT ON role_grants TO pixelpop_keeper;
GRANT SELECT, UPDATE (last_used_at) ON api_keys TO pixelpop_keeper;
GRANT SELECT ON untold_acts TO pixelpop_keeper;

CREATE POLICY keeper ON role_grants TO pixelpop_keeper USING (true);
CREATE POLICY keeper ON api_keys TO pixelpop_keeper USING (true);
CREATE POLICY keeper ON untold_acts TO pixelpop_keeper USING (true);

-- What accounts may do, of exactly those that are named, for a gateway that verifies them.
--   identities: `provider:subject`, for the roles that the settings give to people.
CREATE FUNCTION account_access(p_accounts uuid[])
RETURNS TABLE (account_id uuid, roles text[], identities text[])
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT
        asked.account_id,
        ARRAY(SELECT g.role FROM role_grants AS g WHERE g.account_id = asked.account_id),
        ARRAY(
            SELECT l.provider || ':' || l.subject_id
            FROM identity_links AS l
            WHERE l.account_id = asked.account_id
        )
    FROM unnest(p_accounts) AS asked (account_id)
$$;

-- The live keys of these hashes; notes that they were used, to the minute.
CREATE FUNCTION api_keys_of(p_hashes bytea[])
RETURNS TABLE (
    secret_hash bytea, key_id uuid, account_id uuid, scopes text[], expires_at timestamptz
)
LANGUAGE sql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    UPDATE api_keys AS k
    SET last_used_at = now()
    WHERE
        k.secret_hash = ANY (p_hashes)
        AND k.revoked_at IS NULL
        AND (k.expires_at IS NULL OR k.expires_at > now())
        AND (k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute');

    SELECT k.secret_hash, k.key_id, k.account_id, k.scopes, k.expires_at
    FROM api_keys AS k
    WHERE
        k.secret_hash = ANY (p_hashes)
        AND k.revoked_at IS NULL
        AND (k.expires_at IS NULL OR k.expires_at > now())
$$;

-- Ban an account and its person, whatever account that one comes with, or lift the ban; whether
-- that changed anything.
--   p_marks: of every outside identity that is linked to the account.
CREATE FUNCTION ban_account(p_account_id uuid, p_marks bytea[], p_banned boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    changed integer;
BEGIN
    -- Marks that an older version of this database did not tie to an account.
    INSERT INTO identity_marks (mark, account_id)
    SELECT DISTINCT given.mark, p_account_id FROM unnest(p_marks) AS given (mark)
    ON CONFLICT (mark) DO UPDATE SET account_id = excluded.account_id;
    UPDATE identity_marks
    SET banned = p_banned
    WHERE account_id = p_account_id AND banned <> p_banned;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed > 0;
END
$$;

-- Make an account that no outside identity signs in to: its owner uses API keys. The mark is its
-- own, for a ban.
CREATE FUNCTION admit_customer(
    p_account_id uuid, p_mark bytea, p_wrapped_key bytea, p_master_key_id text
) RETURNS void
LANGUAGE sql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    INSERT INTO identities (account_id, wrapped_key, master_key_id)
    VALUES (p_account_id, p_wrapped_key, p_master_key_id);

    INSERT INTO identity_marks (mark, account_id)
    VALUES (p_mark, p_account_id);
$$;

-- Acts that the log should have been told of by now.
CREATE FUNCTION untold_acts_since(p_age_seconds double precision, p_limit integer)
RETURNS TABLE (event_id uuid, account_id uuid, value bytea)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT u.event_id, u.account_id, u.value
    FROM untold_acts AS u
    WHERE u.made_at <= now() - make_interval(secs => p_age_seconds)
    ORDER BY u.made_at, u.event_id
    LIMIT p_limit
$$;

REVOKE ALL ON FUNCTION account_access(uuid[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION api_keys_of(bytea[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION ban_account(uuid, bytea[], boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION admit_customer(uuid, bytea, bytea, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION untold_acts_since(double precision, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION account_access(uuid[]) TO pixelpop_gateway;
GRANT EXECUTE ON FUNCTION api_keys_of(bytea[]) TO pixelpop_gateway;
GRANT EXECUTE ON FUNCTION ban_account(uuid, bytea[], boolean) TO pixelpop_gateway;
GRANT EXECUTE ON FUNCTION admit_customer(uuid, bytea, bytea, text) TO pixelpop_gateway;
GRANT EXECUTE ON FUNCTION untold_acts_since(double precision, integer) TO pixelpop_gateway;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper;
ALTER FUNCTION account_access(uuid[]) OWNER TO pixelpop_keeper;
ALTER FUNCTION api_keys_of(bytea[]) OWNER TO pixelpop_keeper;
ALTER FUNCTION ban_account(uuid, bytea[], boolean) OWNER TO pixelpop_keeper;
ALTER FUNCTION admit_customer(uuid, bytea, bytea, text) OWNER TO pixelpop_keeper;
ALTER FUNCTION untold_acts_since(double precision, integer) OWNER TO pixelpop_keeper;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper;

-- migrate: rollback

DROP FUNCTION untold_acts_since(double precision, integer);
DROP FUNCTION admit_customer(uuid, bytea, bytea, text);
DROP FUNCTION ban_account(uuid, bytea[], boolean);
DROP FUNCTION api_keys_of(bytea[]);
DROP FUNCTION account_access(uuid[]);
DROP TABLE untold_acts;
DROP TABLE api_keys;
DROP TABLE role_grants;
