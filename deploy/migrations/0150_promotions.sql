-- Promotions, who redeemed them, and goodwill
-- depends: 0090_failed_exports

-- migrate: apply

-- A code is made by an admin and given to many; it is no secret.
CREATE TABLE promotions (
    promotion_id uuid PRIMARY KEY,
    code text NOT NULL UNIQUE CHECK (code ~ '^[A-Z0-9-]{4,32}$'),
    credits bigint NOT NULL CHECK (credits BETWEEN 1 AND 1000000),
    -- How many people may redeem it, and how many did: the database itself lets no more in.
    redemptions_max bigint NOT NULL CHECK (redemptions_max BETWEEN 1 AND 1000000000),
    redemptions bigint NOT NULL DEFAULT 0 CHECK (redemptions BETWEEN 0 AND redemptions_max),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    -- For how many days each person's credits last.
    credits_days integer NOT NULL CHECK (credits_days BETWEEN 1 AND 3650),
    made_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz
);

CREATE INDEX promotions_newest ON promotions (made_at DESC, promotion_id);

-- One row per promotion and outside identity of who redeemed it, under a name that does not tell
-- whose it is: it survives an erasure, so that nobody redeems a code twice.
CREATE TABLE promotion_redemptions (
    promotion_id uuid NOT NULL REFERENCES promotions,
    mark bytea NOT NULL CHECK (octet_length(mark) = 32),
    account_id uuid REFERENCES identities ON DELETE SET NULL,
    redeemed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (promotion_id, mark)
);

CREATE INDEX promotion_redemptions_by_account ON promotion_redemptions (account_id, promotion_id)
WHERE account_id IS NOT NULL;

-- An admin's gifts of credits, by the key that the admin sent: a repetition is the same one.
CREATE TABLE goodwill (
    source_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES identities ON DELETE CASCADE,
    credits bigint NOT NULL CHECK (credits > 0),
    expires_days integer NOT NULL CHECK (expires_days > 0),
    given_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX goodwill_by_account ON goodwill (account_id);

ALTER TABLE promotion_redemptions ENABLE ROW LEVEL SECURITY;
ALTER TABLE promotion_redemptions FORCE ROW LEVEL SECURITY;
ALTER TABLE goodwill ENABLE ROW LEVEL SECURITY;
ALTER TABLE goodwill FORCE ROW LEVEL SECURITY;

GRANT SELECT, UPDATE (closed_at),
INSERT (promotion_id, code, credits, redemptions_max, starts_at, ends_at, credits_days)
ON promotions TO pixelpop_gateway;
GRANT SELECT, INSERT (source_id, account_id, credits, expires_days) ON goodwill
TO pixelpop_gateway;

CREATE POLICY own_rows ON goodwill TO pixelpop_gateway USING (account_id = app_account_id());

GRANT SELECT, UPDATE (redemptions) ON promotions TO pixelpop_keeper;
GRANT SELECT, INSERT ON promotion_redemptions TO pixelpop_keeper;

CREATE POLICY keeper ON promotion_redemptions TO pixelpop_keeper USING (true);

-- Redeem a code for the caller's account. One row:
--   redeemed; again (this account did so before: the same figures); used (the same person, with
--   another account); ended (its time is over, or all are taken); unknown; gone (the account is).
CREATE FUNCTION redeem_promotion(p_code text)
RETURNS TABLE (
    outcome text, promotion_id uuid, credits bigint, credits_days integer, redeemed_at timestamptz
)
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    mine uuid := app_account_id();
    promotion promotions%ROWTYPE;
    before promotion_redemptions%ROWTYPE;
    marks bytea[];
BEGIN
    -- The marks' rows are the lock of what their person tries, in the order that sign_in() takes.
    marks := ARRAY(SELECT mark FROM identity_marks WHERE account_id = mine ORDER BY mark FOR UPDATE);
    PERFORM FROM identities WHERE account_id = mine FOR UPDATE;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'gone', NULL::uuid, 0::bigint, 0, NULL::timestamptz;
        RETURN;
    END IF;
    SELECT * INTO promotion FROM promotions WHERE code = p_code AND starts_at <= now();
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'unknown', NULL::uuid, 0::bigint, 0, NULL::timestamptz;
        RETURN;
    END IF;
    IF marks = '{}' THEN  -- from before marks were tied to accounts
        marks := ARRAY[sha256(convert_to(mine::text, 'UTF8'))];
    END IF;
    SELECT * INTO before
    FROM promotion_redemptions AS r
    WHERE r.promotion_id = promotion.promotion_id AND (r.mark = ANY (marks) OR r.account_id = mine)
    ORDER BY r.account_id = mine DESC NULLS LAST
    LIMIT 1;
    IF before.mark IS NOT NULL THEN
        RETURN QUERY SELECT
            CASE WHEN before.account_id = mine THEN 'again' ELSE 'used' END,
            promotion.promotion_id, promotion.credits, promotion.credits_days, before.redeemed_at;
        RETURN;
    END IF;
    UPDATE promotions AS p
    SET redemptions = p.redemptions + 1
    WHERE
        p.promotion_id = promotion.promotion_id
        AND p.redemptions < p.redemptions_max
        AND p.ends_at > now()
        AND p.closed_at IS NULL;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'ended', NULL::uuid, 0::bigint, 0, NULL::timestamptz;
        RETURN;
    END IF;
    INSERT INTO promotion_redemptions (promotion_id, mark, account_id)
    SELECT promotion.promotion_id, given.mark, mine FROM unnest(marks) AS given (mark);
    RETURN QUERY SELECT
        'redeemed', promotion.promotion_id, promotion.credits, promotion.credits_days, now();
END
$$;

REVOKE ALL ON FUNCTION redeem_promotion(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION redeem_promotion(text) TO pixelpop_gateway;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper;
ALTER FUNCTION redeem_promotion(text) OWNER TO pixelpop_keeper;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper;

-- migrate: rollback

DROP FUNCTION redeem_promotion(text);
DROP TABLE goodwill;
DROP TABLE promotion_redemptions;
DROP TABLE promotions;
