-- What an account may have of grants that are kept where it cannot read: for its export
-- depends: 0152_gifts

-- migrate: apply

-- The codes that the caller's account redeemed.
CREATE FUNCTION own_redemptions()
RETURNS TABLE (promotion_id uuid, code text, redeemed_at_ms bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT
        p.promotion_id, p.code, (extract(EPOCH FROM min(r.redeemed_at)) * 1000)::bigint
    FROM promotion_redemptions AS r
    JOIN promotions AS p USING (promotion_id)
    WHERE r.account_id = app_account_id()
    GROUP BY p.promotion_id
    ORDER BY min(r.redeemed_at), p.promotion_id
$$;

-- The gifts that the caller's account received; not from whom.
CREATE FUNCTION own_received_gifts()
RETURNS TABLE (gift_id uuid, parts text, received_at_ms bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT g.gift_id, g.parts::text, (extract(EPOCH FROM g.ended_at) * 1000)::bigint
    FROM gifts AS g
    WHERE g.receiver = app_account_id()
    ORDER BY g.ended_at, g.gift_id
$$;

CREATE INDEX gifts_by_receiver ON gifts (receiver) WHERE receiver IS NOT NULL;

-- By whose invitation the caller's account came, and whom it invited; not who they are, nor when a
-- friend came.
CREATE FUNCTION own_invitations()
RETURNS TABLE (
    referral_id uuid, side text, credits bigint, joined_at_ms bigint, rewarded_at_ms bigint
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT
        r.referral_id, given.side, given.credits,
        (extract(EPOCH FROM given.joined_at) * 1000)::bigint,
        (extract(EPOCH FROM r.rewarded_at) * 1000)::bigint
    FROM referrals AS r
    CROSS JOIN LATERAL (
        VALUES
        (r.account_id, 'friend', r.friend_credits, r.joined_at),
        (r.inviter, 'inviter', r.inviter_credits, NULL)
    ) AS given (account_id, side, credits, joined_at)
    WHERE
        app_account_id() IN (r.account_id, r.inviter)
        AND given.account_id = app_account_id()
    ORDER BY r.joined_at, r.referral_id
$$;

REVOKE ALL ON FUNCTION own_redemptions(), own_received_gifts(), own_invitations() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION own_redemptions(), own_received_gifts(), own_invitations()
TO pixelpop_gateway;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper;
ALTER FUNCTION own_redemptions() OWNER TO pixelpop_keeper;
ALTER FUNCTION own_received_gifts() OWNER TO pixelpop_keeper;
ALTER FUNCTION own_invitations() OWNER TO pixelpop_keeper;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper;

-- migrate: rollback

DROP FUNCTION own_invitations();
DROP INDEX gifts_by_receiver;
DROP FUNCTION own_received_gifts();
DROP FUNCTION own_redemptions();
