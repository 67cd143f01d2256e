-- Referrals: who invited whom, until the friend's first finished picture, and what came of it
-- depends: 0150_promotions

-- migrate: apply

-- The code in an account's link. Whoever has it may say that this account invited them; it tells
-- nothing of the account.
CREATE TABLE referral_codes (
    account_id uuid PRIMARY KEY REFERENCES identities ON DELETE CASCADE,
    code text NOT NULL UNIQUE CHECK (code ~ '^[A-Za-z0-9_-]{10,40}$')
);

-- One row per account that was invited. It goes with that account; an inviter that is erased is
-- forgotten, and the friend's side stands.
CREATE TABLE referrals (
    account_id uuid PRIMARY KEY REFERENCES identities ON DELETE CASCADE,
    inviter uuid REFERENCES identities ON DELETE SET NULL CHECK (inviter <> account_id),
    referral_id uuid NOT NULL DEFAULT gen_random_uuid(),
    joined_at timestamptz NOT NULL DEFAULT now(),
    -- What each side gets, once it is decided: the inviter's is 0 where there are enough.
    rewarded_at timestamptz,
    friend_credits bigint NOT NULL DEFAULT 0 CHECK (friend_credits >= 0),
    inviter_credits bigint NOT NULL DEFAULT 0 CHECK (inviter_credits >= 0),
    credits_days integer,
    -- When the log had both facts.
    told_at timestamptz
);

CREATE INDEX referrals_waiting ON referrals (joined_at, account_id) WHERE rewarded_at IS NULL;
CREATE INDEX referrals_untold ON referrals (rewarded_at)
WHERE rewarded_at IS NOT NULL AND told_at IS NULL;
CREATE INDEX referrals_by_inviter ON referrals (inviter) WHERE inviter IS NOT NULL;

-- How often an outside identity was rewarded for friends, under a name that does not tell whose it
-- is: it survives an erasure, so that nobody sheds the limit.
CREATE TABLE referral_counts (
    mark bytea PRIMARY KEY CHECK (octet_length(mark) = 32),
    rewards integer NOT NULL CHECK (rewards >= 0)
);

ALTER TABLE referral_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE referral_codes FORCE ROW LEVEL SECURITY;
ALTER TABLE referrals ENABLE ROW LEVEL SECURITY;
ALTER TABLE referrals FORCE ROW LEVEL SECURITY;
ALTER TABLE referral_counts ENABLE ROW LEVEL SECURITY;
ALTER TABLE referral_counts FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT (account_id, code) ON referral_codes TO pixelpop_gateway;

CREATE POLICY own_rows ON referral_codes TO pixelpop_gateway USING (account_id = app_account_id());

GRANT SELECT ON referral_codes TO pixelpop_keeper;
GRANT SELECT, INSERT (account_id, inviter),
UPDATE (rewarded_at, friend_credits, inviter_credits, credits_days, told_at) ON referrals
TO pixelpop_keeper;
GRANT SELECT, INSERT, UPDATE (rewards) ON referral_counts TO pixelpop_keeper;

CREATE POLICY keeper ON referral_codes TO pixelpop_keeper USING (true);
CREATE POLICY keeper ON referrals TO pixelpop_keeper USING (true);
CREATE POLICY keeper ON referral_counts TO pixelpop_keeper USING (true);

-- Note who invited the caller's account: only one that is new, of a person who never had another,
-- known by Telegram; the first inviter stays. Says nothing: nobody finds a code by trying.
CREATE FUNCTION note_referral(p_code text, p_new_seconds double precision) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    mine uuid := app_account_id();
BEGIN
    INSERT INTO referrals (account_id, inviter)
    SELECT i.account_id, c.account_id
    FROM identities AS i, referral_codes AS c
    WHERE
        i.account_id = mine
        AND c.code = p_code
        AND c.account_id <> mine
        AND i.created_at > now() - make_interval(secs => p_new_seconds)
        AND EXISTS (
            SELECT FROM identity_links AS l
            WHERE l.account_id = mine AND l.provider = 'telegram'
        )
        AND NOT EXISTS (
            SELECT FROM identity_marks AS m
            WHERE m.account_id = mine AND m.welcomed_account IS DISTINCT FROM mine
        )
        AND NOT EXISTS (
            SELECT FROM identity_marks AS m WHERE m.account_id = c.account_id AND m.banned
        )
    ON CONFLICT (account_id) DO NOTHING;
END
$$;

-- What the caller's account may know of those whom it invited.
CREATE FUNCTION own_referrals() RETURNS TABLE (waiting bigint, rewarded bigint, earned bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT
        count(*) FILTER (WHERE r.rewarded_at IS NULL),
        count(*) FILTER (WHERE r.inviter_credits > 0),
        coalesce(sum(r.inviter_credits), 0)::bigint
    FROM referrals AS r
    WHERE r.inviter = app_account_id()
$$;

-- Friends who wait for their first picture, page by page; who joined too long ago is left out.
CREATE FUNCTION waiting_referrals(
    p_days integer, p_joined_after timestamptz, p_after uuid, p_limit integer
) RETURNS TABLE (account_id uuid, joined_at timestamptz)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT r.account_id, r.joined_at
    FROM referrals AS r
    WHERE
        r.rewarded_at IS NULL
        AND r.joined_at > now() - make_interval(days => p_days)
        AND (r.joined_at, r.account_id) > (p_joined_after, p_after)
    ORDER BY r.joined_at, r.account_id
    LIMIT p_limit
$$;

-- Which of these accounts were delivered a picture: some of their credits are spent. It runs as
-- the projector, whose tables those are; late-bound, so the tables may be made (anew) later.
CREATE FUNCTION delivered_accounts(p_accounts uuid[]) RETURNS TABLE (account_id uuid)
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT c.account_id
    FROM read.credit_accounts AS c
    WHERE c.account_id = ANY (p_accounts) AND c.spent > 0;
END
$$;

-- Decide what both sides of a referral get, once: the friend, always; the inviter, unless that
-- person was rewarded often enough, is banned or is gone. No row: it was decided already.
CREATE FUNCTION reward_referral(
    p_friend uuid,
    p_friend_credits bigint,
    p_inviter_credits bigint,
    p_credits_days integer,
    p_rewards_max integer
) RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    referral referrals%ROWTYPE;
    marks bytea[];
    paid bigint := 0;
BEGIN
    SELECT * INTO referral
    FROM referrals
    WHERE account_id = p_friend AND rewarded_at IS NULL
    FOR UPDATE SKIP LOCKED;
    IF referral.account_id IS NULL THEN
        RETURN false;
    END IF;
    -- The marks' rows are the lock of how many there were, for all friends of one person.
    marks := ARRAY(
        SELECT mark FROM identity_marks
        WHERE account_id = referral.inviter
        ORDER BY mark
        FOR UPDATE
    );
    IF marks <> '{}' AND NOT EXISTS (
        SELECT FROM identity_marks WHERE mark = ANY (marks) AND banned
    ) AND NOT EXISTS (
        SELECT FROM referral_counts WHERE mark = ANY (marks) AND rewards >= p_rewards_max
    ) THEN
        paid := p_inviter_credits;
        INSERT INTO referral_counts AS c (mark, rewards)
        SELECT given.mark, 1 FROM unnest(marks) AS given (mark)
        ON CONFLICT (mark) DO UPDATE SET rewards = c.rewards + 1;
    END IF;
    UPDATE referrals
    SET
        rewarded_at = now(),
        friend_credits = p_friend_credits,
        inviter_credits = paid,
        credits_days = p_credits_days
    WHERE account_id = p_friend;
    RETURN true;
END
$$;

-- What was decided and the log may not know yet.
CREATE FUNCTION untold_referrals(p_limit integer)
RETURNS TABLE (
    account_id uuid, inviter uuid, referral_id uuid, rewarded_at timestamptz,
    friend_credits bigint, inviter_credits bigint, credits_days integer
)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT
        r.account_id, r.inviter, r.referral_id, r.rewarded_at, r.friend_credits,
        r.inviter_credits, r.credits_days
    FROM referrals AS r
    WHERE r.rewarded_at IS NOT NULL AND r.told_at IS NULL
    ORDER BY r.rewarded_at
    LIMIT p_limit
$$;

CREATE FUNCTION referral_told(p_friend uuid) RETURNS void
LANGUAGE sql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    UPDATE referrals SET told_at = now() WHERE account_id = p_friend AND told_at IS NULL
$$;

REVOKE ALL ON FUNCTION
note_referral(text, double precision),
own_referrals(),
waiting_referrals(integer, timestamptz, uuid, integer),
delivered_accounts(uuid[]),
reward_referral(uuid, bigint, bigint, integer, integer),
untold_referrals(integer),
referral_told(uuid)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
note_referral(text, double precision),
own_referrals(),
waiting_referrals(integer, timestamptz, uuid, integer),
delivered_accounts(uuid[]),
reward_referral(uuid, bigint, bigint, integer, integer),
untold_referrals(integer),
referral_told(uuid)
TO pixelpop_gateway;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper, pixelpop_projector;
ALTER FUNCTION note_referral(text, double precision) OWNER TO pixelpop_keeper;
ALTER FUNCTION own_referrals() OWNER TO pixelpop_keeper;
ALTER FUNCTION waiting_referrals(integer, timestamptz, uuid, integer) OWNER TO pixelpop_keeper;
ALTER FUNCTION reward_referral(uuid, bigint, bigint, integer, integer) OWNER TO pixelpop_keeper;
ALTER FUNCTION untold_referrals(integer) OWNER TO pixelpop_keeper;
ALTER FUNCTION referral_told(uuid) OWNER TO pixelpop_keeper;
ALTER FUNCTION delivered_accounts(uuid[]) OWNER TO pixelpop_projector;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper, pixelpop_projector;

-- migrate: rollback

DROP FUNCTION referral_told(uuid);
DROP FUNCTION untold_referrals(integer);
DROP FUNCTION reward_referral(uuid, bigint, bigint, integer, integer);
DROP FUNCTION delivered_accounts(uuid[]);
DROP FUNCTION waiting_referrals(integer, timestamptz, uuid, integer);
DROP FUNCTION own_referrals();
DROP FUNCTION note_referral(text, double precision);
DROP TABLE referral_counts;
DROP TABLE referrals;
DROP TABLE referral_codes;
