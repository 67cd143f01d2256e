-- Exports that failed for good leave files too: pictures and words in clear, which must go
-- depends: 0080_telegram_accounts

-- migrate: apply

-- Only its owner may replace it, who must be allowed to make things.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper;
SET LOCAL ROLE pixelpop_keeper;

-- Exports whose time is over, and those that failed for good: their files go, then their rows.
CREATE OR REPLACE FUNCTION ended_exports(p_limit integer)
RETURNS TABLE (account_id uuid, export_id uuid)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT e.account_id, e.export_id
    FROM exports AS e
    WHERE (e.state = 'ready' AND e.expires_at < now()) OR e.state = 'failed'
    ORDER BY e.expires_at NULLS FIRST
    LIMIT p_limit
$$;

RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper;

DROP INDEX exports_by_end;
CREATE INDEX exports_by_end ON exports (expires_at NULLS FIRST) WHERE state IN ('ready', 'failed');

-- migrate: rollback

DROP INDEX exports_by_end;
CREATE INDEX exports_by_end ON exports (expires_at) WHERE state = 'ready';

-- Only its owner may replace it, who must be allowed to make things.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper;
SET LOCAL ROLE pixelpop_keeper;

CREATE OR REPLACE FUNCTION ended_exports(p_limit integer)
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

RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper;
