-- Appeals: people's objections to refusals, and what admins say of them
-- depends: 0090_failed_exports

-- migrate: apply

CREATE TABLE appeals (
    appeal_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES identities ON DELETE CASCADE,
    -- Once for each generation.
    generation_id uuid NOT NULL UNIQUE,
    -- Why it had ended.
    reason text NOT NULL CHECK (length(reason) <= 64),
    body_mac text NOT NULL CHECK (body_mac ~ '^[0-9a-f]{64}$'),
    -- What the person says, sealed with the account's key.
    words text NOT NULL CHECK (length(words) <= 8192),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'upheld', 'overturned')),
    filed_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz CHECK ((decided_at IS NULL) = (state = 'open'))
);

CREATE INDEX appeals_by_account ON appeals (account_id, filed_at);
CREATE INDEX appeals_by_state ON appeals (state, filed_at, appeal_id);

ALTER TABLE appeals ENABLE ROW LEVEL SECURITY;
ALTER TABLE appeals FORCE ROW LEVEL SECURITY;

GRANT SELECT, UPDATE (state, decided_at),
INSERT (appeal_id, account_id, generation_id, reason, body_mac, words)
ON appeals TO pixelpop_gateway;

CREATE POLICY own_rows ON appeals TO pixelpop_gateway USING (account_id = app_account_id());

GRANT SELECT ON appeals TO pixelpop_keeper;

CREATE POLICY keeper ON appeals FOR SELECT TO pixelpop_keeper USING (true);

-- For admins: whose appeals stand so, the oldest first; the rest is read as that account.
CREATE FUNCTION appeals_in(p_state text, p_limit integer)
RETURNS TABLE (account_id uuid, appeal_id uuid)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT a.account_id, a.appeal_id
    FROM appeals AS a
    WHERE a.state = p_state
    ORDER BY a.filed_at, a.appeal_id
    LIMIT p_limit
$$;

REVOKE ALL ON FUNCTION appeals_in(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION appeals_in(text, integer) TO pixelpop_gateway;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper;
ALTER FUNCTION appeals_in(text, integer) OWNER TO pixelpop_keeper;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper;

-- migrate: rollback

DROP FUNCTION appeals_in(text, integer);
DROP TABLE appeals;
