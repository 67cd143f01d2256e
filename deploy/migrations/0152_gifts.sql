-- Gifts between people: what is on its way, and who got it
-- depends: 0151_referrals

-- migrate: apply

-- One row per gift, and the one place where it is decided on which side it comes out: received by
-- one account, or back with its giver. It is its own outbox: told_at says when the log had it.
-- It refers to no identity: what an erased account gave away must still come out somewhere.
CREATE TABLE gifts (
    gift_id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    -- Of 128 random-looking bits, which only the giver and whoever has the link know.
    code_hash bytea NOT NULL UNIQUE CHECK (octet_length(code_hash) = 32),
    credits bigint NOT NULL CHECK (credits BETWEEN 1 AND 1000000),
    offered_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'open'
    CHECK (state IN ('open', 'claimed', 'expired', 'taken_back')),
    receiver uuid CHECK (receiver <> account_id),
    -- What the receiver gets, as the decision that counted says: [[credits, end], …].
    parts jsonb,
    ended_at timestamptz,
    told_at timestamptz,
    CHECK ((state = 'open') = (ended_at IS NULL)),
    CHECK ((state = 'claimed') = (receiver IS NOT NULL AND parts IS NOT NULL))
);

CREATE INDEX gifts_by_account ON gifts (account_id, offered_at DESC, gift_id);
CREATE INDEX gifts_by_end ON gifts (expires_at) WHERE state = 'open';
CREATE INDEX gifts_untold ON gifts (ended_at) WHERE state <> 'open' AND told_at IS NULL;

ALTER TABLE gifts ENABLE ROW LEVEL SECURITY;
ALTER TABLE gifts FORCE ROW LEVEL SECURITY;

GRANT SELECT (gift_id, account_id, credits, offered_at, expires_at, state, ended_at),
INSERT (gift_id, account_id, code_hash, credits, expires_at), UPDATE (state, ended_at)
ON gifts TO pixelpop_gateway;

CREATE POLICY own_rows ON gifts TO pixelpop_gateway USING (account_id = app_account_id());

GRANT SELECT, UPDATE (state, receiver, parts, ended_at, told_at) ON gifts TO pixelpop_keeper;

CREATE POLICY keeper ON gifts TO pixelpop_keeper USING (true);

-- The gift that a link leads to: whose it is, so that the decision on it can be looked up.
CREATE FUNCTION find_gift(p_code_hash bytea)
RETURNS TABLE (gift_id uuid, giver uuid)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT g.gift_id, g.account_id FROM gifts AS g WHERE g.code_hash = p_code_hash
$$;

-- What left the giver by the decision that counted; nothing: none did (yet). It runs as the
-- projector, whose tables those are; late-bound, so the tables may be made (anew) later.
CREATE FUNCTION sent_gift(p_giver uuid, p_gift uuid) RETURNS TABLE (parts text)
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT (l.detail -> 'parts')::text
    FROM read.ledger AS l
    WHERE l.account_id = p_giver AND l.about = p_gift::text AND l.type = 'GiftSent';
END
$$;

-- Receive a gift, as the caller's account, once. What became of it:
--   claimed; again (it has it already); own (its own gift); taken; over; unknown.
CREATE FUNCTION claim_gift(p_gift uuid, p_code_hash bytea, p_parts text) RETURNS text
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    mine uuid := app_account_id();
    gift gifts%ROWTYPE;
BEGIN
    SELECT * INTO gift FROM gifts
    WHERE gift_id = p_gift AND code_hash = p_code_hash
    FOR UPDATE;
    IF gift.gift_id IS NULL OR mine IS NULL THEN
        RETURN 'unknown';
    ELSIF gift.account_id = mine THEN
        RETURN 'own';
    ELSIF gift.state = 'claimed' THEN
        RETURN CASE WHEN gift.receiver = mine THEN 'again' ELSE 'taken' END;
    ELSIF gift.state <> 'open' OR gift.expires_at <= now() THEN
        RETURN 'over';
    ELSIF EXISTS (
        SELECT FROM identity_marks AS m WHERE m.account_id = gift.account_id AND m.banned
    ) THEN
        RETURN 'over';
    END IF;
    UPDATE gifts
    SET state = 'claimed', receiver = mine, parts = p_parts::jsonb, ended_at = now()
    WHERE gift_id = p_gift;
    RETURN 'claimed';
END
$$;

-- End the gifts that nobody received in time; how many there were.
CREATE FUNCTION end_gifts(p_limit integer) RETURNS integer
LANGUAGE sql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    WITH ended AS (
        UPDATE gifts SET state = 'expired', ended_at = now()
        WHERE gift_id IN (
            SELECT g.gift_id FROM gifts AS g
            WHERE g.state = 'open' AND g.expires_at <= now()
            ORDER BY g.expires_at
            LIMIT p_limit
            FOR UPDATE SKIP LOCKED
        )
        RETURNING gift_id
    )
    SELECT count(*)::integer FROM ended
$$;

-- Gifts that came out somewhere, and that the log may not know of yet.
CREATE FUNCTION untold_gifts(p_limit integer)
RETURNS TABLE (
    gift_id uuid, giver uuid, receiver uuid, state text, parts text, ended_at timestamptz
)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT g.gift_id, g.account_id, g.receiver, g.state, g.parts::text, g.ended_at
    FROM gifts AS g
    WHERE g.state <> 'open' AND g.told_at IS NULL
    ORDER BY g.ended_at
    LIMIT p_limit
$$;

CREATE FUNCTION gift_told(p_gift uuid) RETURNS void
LANGUAGE sql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    UPDATE gifts SET told_at = now()
    WHERE gift_id = p_gift AND state <> 'open' AND told_at IS NULL
$$;

REVOKE ALL ON FUNCTION
find_gift(bytea),
sent_gift(uuid, uuid),
claim_gift(uuid, bytea, text),
end_gifts(integer),
untold_gifts(integer),
gift_told(uuid)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
find_gift(bytea),
sent_gift(uuid, uuid),
claim_gift(uuid, bytea, text),
end_gifts(integer),
untold_gifts(integer),
gift_told(uuid)
TO pixelpop_gateway;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper, pixelpop_projector;
ALTER FUNCTION find_gift(bytea) OWNER TO pixelpop_keeper;
ALTER FUNCTION claim_gift(uuid, bytea, text) OWNER TO pixelpop_keeper;
ALTER FUNCTION end_gifts(integer) OWNER TO pixelpop_keeper;
ALTER FUNCTION untold_gifts(integer) OWNER TO pixelpop_keeper;
ALTER FUNCTION gift_told(uuid) OWNER TO pixelpop_keeper;
ALTER FUNCTION sent_gift(uuid, uuid) OWNER TO pixelpop_projector;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper, pixelpop_projector;

-- migrate: rollback

DROP FUNCTION gift_told(uuid);
DROP FUNCTION untold_gifts(integer);
DROP FUNCTION end_gifts(integer);
DROP FUNCTION claim_gift(uuid, bytea, text);
DROP FUNCTION sent_gift(uuid, uuid);
DROP FUNCTION find_gift(bytea);
DROP TABLE gifts;
