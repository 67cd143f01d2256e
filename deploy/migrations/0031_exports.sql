-- Exports: everything that is known of an account, as files that its person can fetch for a while
-- depends: 0010_identity_links

-- migrate: apply

-- One row per account: its last export. The files are objects below exports/<account>/<export>/.
CREATE TABLE exports (
    account_id uuid PRIMARY KEY REFERENCES identities ON DELETE CASCADE,
    export_id uuid NOT NULL DEFAULT gen_random_uuid(),
    state text NOT NULL DEFAULT 'waiting' CHECK (
        state IN ('waiting', 'making', 'ready', 'failed')
    ),
    -- Generations written, of how many.
    written bigint NOT NULL DEFAULT 0 CHECK (written >= 0),
    total bigint NOT NULL DEFAULT 0 CHECK (total >= 0),
    -- Of the files when they are ready: [{"key": …, "size_bytes": …}].
    parts text NOT NULL DEFAULT '[]' CHECK (length(parts) <= 1000000),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- Every update of who makes it says WHERE lease_epoch = mine.
    lease_epoch bigint NOT NULL DEFAULT 0 CHECK (lease_epoch >= 0),
    lease_until timestamptz,
    requested_at timestamptz NOT NULL DEFAULT now(),
    ready_at timestamptz,
    expires_at timestamptz,
    CHECK (state <> 'ready' OR (ready_at IS NOT NULL AND expires_at IS NOT NULL))
);

CREATE INDEX exports_open ON exports (requested_at) WHERE state IN ('waiting', 'making');
CREATE INDEX exports_by_end ON exports (expires_at) WHERE state = 'ready';

ALTER TABLE exports ENABLE ROW LEVEL SECURITY;
ALTER TABLE exports FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE, DELETE ON exports TO pixelpop_gateway;
GRANT SELECT, UPDATE ON exports TO pixelpop_keeper;

CREATE POLICY own_row ON exports
TO pixelpop_gateway
USING (account_id = app_account_id());

CREATE POLICY keeper ON exports
TO pixelpop_keeper
USING (true);

-- Take the export that waits longest, or whose maker was lost; nothing if there is none. One that
-- failed so often fails for good.
CREATE FUNCTION claim_export(p_lease_seconds double precision, p_attempts_max integer)
RETURNS TABLE (account_id uuid, export_id uuid, lease_epoch bigint)
LANGUAGE sql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    UPDATE exports AS e
    SET state = 'failed', lease_until = NULL
    WHERE e.state = 'making' AND e.lease_until < now() AND e.attempts >= p_attempts_max;

    UPDATE exports AS e
    SET
        state = 'making',
        attempts = e.attempts + 1,
        lease_epoch = e.lease_epoch + 1,
        lease_until = now() + make_interval(secs => p_lease_seconds)
    WHERE e.account_id = (
        SELECT o.account_id
        FROM exports AS o
        WHERE o.state = 'waiting' OR (o.state = 'making' AND o.lease_until < now())
        ORDER BY o.requested_at
        LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
    RETURNING e.account_id, e.export_id, e.lease_epoch
$$;

-- Exports whose time is over: their files go, then their rows.
CREATE FUNCTION ended_exports(p_limit integer)
RETURNS TABLE (account_id uuid, export_id uuid)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT e.account_id, e.export_id
    FROM exports AS e
    WHERE e.state = 'ready' AND e.expires_at < now()
    ORDER BY e.expires_at
    LIMIT p_limit
$$;

REVOKE ALL ON FUNCTION claim_export(double precision, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION ended_exports(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_export(double precision, integer) TO pixelpop_gateway;
GRANT EXECUTE ON FUNCTION ended_exports(integer) TO pixelpop_gateway;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper;
ALTER FUNCTION claim_export(double precision, integer) OWNER TO pixelpop_keeper;
ALTER FUNCTION ended_exports(integer) OWNER TO pixelpop_keeper;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper;

-- The eraser does not make the marks itself, so it need not see whose an account is.
DROP POLICY eraser ON identity_links;
REVOKE ALL (account_id, provider, subject_id) ON identity_links FROM pixelpop_eraser;

-- migrate: rollback

GRANT SELECT (account_id, provider, subject_id) ON identity_links TO pixelpop_eraser;
CREATE POLICY eraser ON identity_links FOR SELECT TO pixelpop_eraser USING (true);
DROP FUNCTION ended_exports(integer);
DROP FUNCTION claim_export(double precision, integer);
DROP TABLE exports;
