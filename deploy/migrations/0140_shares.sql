-- Links to pictures that people show to others
-- depends: 0090_failed_exports

-- migrate: apply

-- A link's code is in the address that its owner hands out. Only its hash is here: whoever reads
-- this table can open no link. An erasure destroys the row in identities and with it every link.
CREATE TABLE shares (
    share_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES identities (account_id) ON DELETE CASCADE,
    generation_id uuid NOT NULL,
    image_id uuid NOT NULL,
    code_hash bytea NOT NULL UNIQUE CHECK (octet_length(code_hash) = 32),
    shows_prompt boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    -- When its owner took it back, or moved the picture to the bin.
    revoked_at timestamptz
);

CREATE INDEX shares_by_account ON shares (account_id, created_at, share_id);

ALTER TABLE shares ENABLE ROW LEVEL SECURITY;
ALTER TABLE shares FORCE ROW LEVEL SECURITY;

GRANT SELECT ON shares TO pixelpop_gateway, pixelpop_keeper;
GRANT INSERT (
    share_id, account_id, generation_id, image_id, code_hash, shows_prompt, created_at, expires_at
), UPDATE (revoked_at), DELETE ON shares TO pixelpop_gateway;

CREATE POLICY own_rows ON shares
TO pixelpop_gateway
USING (account_id = app_account_id());

CREATE POLICY keeper ON shares
FOR SELECT TO pixelpop_keeper
USING (true);

-- What a link leads to, while it is open: asked by whoever has its code.
CREATE FUNCTION open_share(p_code_hash bytea)
RETURNS TABLE (
    share_id uuid,
    account_id uuid,
    generation_id uuid,
    image_id uuid,
    shows_prompt boolean,
    expires_at timestamptz
)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT s.share_id, s.account_id, s.generation_id, s.image_id, s.shows_prompt, s.expires_at
    FROM shares AS s
    WHERE s.code_hash = p_code_hash AND s.revoked_at IS NULL AND s.expires_at > now()
$$;

REVOKE ALL ON FUNCTION open_share(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_share(bytea) TO pixelpop_gateway;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper;
ALTER FUNCTION open_share(bytea) OWNER TO pixelpop_keeper;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper;

-- migrate: rollback

DROP FUNCTION open_share(bytea);
DROP TABLE shares;
