-- Erasure: an account's key and its link to a person are destroyed; what it owed stays owed
-- depends: 0006_claim_holders

-- migrate: apply

DO $$
BEGIN
    CREATE ROLE pixelpop_eraser NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;

GRANT USAGE ON SCHEMA public TO pixelpop_eraser;

-- One row per erased account: how far its erasure is. Every step may be done again.
CREATE TABLE erasures (
    account_id uuid PRIMARY KEY,
    -- Of the outside identities that it had, so that its debt is not shed; emptied when nothing of
    -- it can be charged back any more.
    marks bytea[] NOT NULL,
    erased_at timestamptz NOT NULL DEFAULT now(),
    -- When its objects and rows were first gone.
    swept_at timestamptz,
    -- When they were gone again, after the longest job that can have been under way.
    done_at timestamptz,
    -- When the decider had settled what was open and written off the rest.
    settled_at timestamptz,
    -- How much of its written-off debt stands in `debts`.
    debt_noted bigint NOT NULL DEFAULT 0 CHECK (debt_noted >= 0)
);

CREATE INDEX erasures_open ON erasures (erased_at)
WHERE done_at IS NULL OR settled_at IS NULL;

-- What erased accounts owed, each until the person's next account owes it.
CREATE TABLE debts (
    debt_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    marks bytea[] NOT NULL,
    credits bigint NOT NULL CHECK (credits > 0),
    -- Which account shall owe it; written before the log is told.
    account_id uuid,
    -- When the log was told, by an event whose id is debt_id's.
    carried_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX debts_open ON debts (created_at) WHERE carried_at IS NULL;

-- Where the eraser is in the log.
CREATE TABLE eraser_cursors (
    partition integer PRIMARY KEY CHECK (partition >= 0),
    next_offset bigint NOT NULL CHECK (next_offset >= 0),
    -- SHA-256 of the value of the record before it.
    hash_before text NOT NULL
);

ALTER TABLE erasures ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasures FORCE ROW LEVEL SECURITY;
ALTER TABLE debts ENABLE ROW LEVEL SECURITY;
ALTER TABLE debts FORCE ROW LEVEL SECURITY;

-- The eraser sees which accounts have an identity; neither whose they are nor any key.
GRANT SELECT (account_id) ON identities TO pixelpop_eraser;
GRANT SELECT, DELETE ON provider_calls TO pixelpop_eraser;
GRANT SELECT, UPDATE ON erasures TO pixelpop_eraser;
GRANT SELECT, INSERT, UPDATE ON debts TO pixelpop_eraser;
GRANT SELECT, INSERT, UPDATE ON eraser_cursors TO pixelpop_eraser;
GRANT SELECT, INSERT, UPDATE ON erasures TO pixelpop_keeper;
GRANT SELECT, DELETE ON identities TO pixelpop_keeper;

CREATE POLICY eraser ON identities FOR SELECT TO pixelpop_eraser USING (true);
CREATE POLICY eraser ON provider_calls TO pixelpop_eraser USING (true);
CREATE POLICY eraser ON erasures TO pixelpop_eraser USING (true);
CREATE POLICY eraser ON debts TO pixelpop_eraser USING (true);
CREATE POLICY keeper ON erasures TO pixelpop_keeper USING (true);

-- Destroy an account's key and its link to a person; answers whether there was one. What refers to
-- the row goes with it. An account that is destroyed again (from an old backup) is swept again.
CREATE FUNCTION destroy_identity(p_account uuid)
RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    found_marks bytea[];
    existed boolean;
BEGIN
    PERFORM FROM identity_marks WHERE account_id = p_account ORDER BY mark FOR UPDATE;
    found_marks := ARRAY(SELECT mark FROM identity_marks WHERE account_id = p_account);
    DELETE FROM identities WHERE account_id = p_account;
    existed := found;
    INSERT INTO erasures AS e (account_id, marks) VALUES (p_account, found_marks)
    ON CONFLICT (account_id) DO UPDATE SET
        marks = ARRAY(SELECT DISTINCT m FROM unnest(e.marks || excluded.marks) AS m),
        swept_at = NULL,
        done_at = NULL,
        erased_at = now()
    WHERE existed;
    RETURN existed;
END
$$;

-- The same for a gateway: it can only destroy the account for which it works.
CREATE FUNCTION destroy_own_identity()
RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT destroy_identity(app_account_id()) WHERE app_account_id() IS NOT NULL
$$;

-- The live account of a person who is known under one of these marks.
CREATE FUNCTION marked_account(p_marks bytea[])
RETURNS uuid
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT account_id
        FROM identity_marks
        WHERE mark = ANY(p_marks) AND account_id IS NOT NULL
        ORDER BY account_id
        LIMIT 1
    );
END
$$;

-- Keep what `identity_marks` says of a debt true to `debts`.
CREATE FUNCTION owe(p_marks bytea[], p_credits bigint)
RETURNS void
LANGUAGE sql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    UPDATE identity_marks SET owes = greatest(0, owes + p_credits) WHERE mark = ANY(p_marks)
$$;

REVOKE ALL ON FUNCTION destroy_identity(uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION destroy_own_identity() FROM PUBLIC;
REVOKE ALL ON FUNCTION marked_account(bytea[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION owe(bytea[], bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION destroy_identity(uuid) TO pixelpop_eraser, pixelpop_keeper;
GRANT EXECUTE ON FUNCTION destroy_own_identity() TO pixelpop_gateway;
GRANT EXECUTE ON FUNCTION marked_account(bytea[]) TO pixelpop_eraser;
GRANT EXECUTE ON FUNCTION owe(bytea[], bigint) TO pixelpop_eraser;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper;
ALTER FUNCTION destroy_identity(uuid) OWNER TO pixelpop_keeper;
ALTER FUNCTION destroy_own_identity() OWNER TO pixelpop_keeper;
ALTER FUNCTION marked_account(bytea[]) OWNER TO pixelpop_keeper;
ALTER FUNCTION owe(bytea[], bigint) OWNER TO pixelpop_keeper;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper;

-- migrate: rollback

DROP FUNCTION owe(bytea[], bigint);
DROP FUNCTION marked_account(bytea[]);
DROP FUNCTION destroy_own_identity();
DROP FUNCTION destroy_identity(uuid);
DROP POLICY eraser ON provider_calls;
DROP POLICY eraser ON identities;
DROP TABLE eraser_cursors;
DROP TABLE debts;
DROP TABLE erasures;
REVOKE ALL ON provider_calls, identities FROM pixelpop_eraser;
REVOKE DELETE ON identities FROM pixelpop_keeper;
REVOKE USAGE ON SCHEMA public FROM pixelpop_eraser;
