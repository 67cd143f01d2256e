-- Claims: a paid call to an image provider happens once
-- depends: 0002_identities

-- migrate: apply

-- A row is taken before the call that it claims, and says how far that call got:
--   submitting -> submitted (the provider gave a reference) -> stored (the objects are there)
--   -> reported (the result's event is acked by the log), or failed; or, inserted as such by
--   whoever cancels before anybody paid, cancelled.
-- Attempt 1 is what a worker and a cancelling gateway race for: the first insert wins.
-- Every update says WHERE lease_epoch = mine; taking over an expired lease raises the epoch.
CREATE TABLE provider_calls (
    generation_id uuid NOT NULL,
    attempt integer NOT NULL CHECK (attempt BETWEEN 1 AND 100),
    account_id uuid NOT NULL,
    state text NOT NULL CHECK (
        state IN ('submitting', 'submitted', 'stored', 'reported', 'failed', 'cancelled')
    ),
    lease_epoch bigint NOT NULL DEFAULT 0 CHECK (lease_epoch >= 0),
    -- NULL: nobody works on it.
    lease_until timestamptz,
    provider text,
    -- The provider's own name of the call, by which it can be asked again.
    provider_ref text CHECK (length(provider_ref) <= 1000),
    -- The bytes of the event that reports this call, written before it is appended.
    result bytea CHECK (octet_length(result) <= 1000000),
    -- Nobody knows whether the call before this one was paid.
    uncertain boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (generation_id, attempt),
    CHECK (state = 'cancelled' OR provider IS NOT NULL),
    CHECK (state NOT IN ('submitting', 'submitted') OR lease_until IS NOT NULL),
    CHECK (state <> 'submitted' OR provider_ref IS NOT NULL)
);

-- An account's claims, for its erasure.
CREATE INDEX provider_calls_by_account ON provider_calls (account_id);

-- The few that are under way, by who is due to be looked after.
CREATE INDEX provider_calls_open ON provider_calls (lease_until)
WHERE state IN ('submitting', 'submitted', 'stored');

-- The last line of defence behind WHERE lease_epoch = mine.
CREATE FUNCTION provider_calls_guard() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF old.state IN ('reported', 'cancelled') AND new IS DISTINCT FROM old THEN
        RAISE EXCEPTION 'provider call % attempt % is %, which is final',
            old.generation_id, old.attempt, old.state
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF new.lease_epoch < old.lease_epoch THEN
        RAISE EXCEPTION 'the lease epoch of provider call % attempt % may not go back from % to %',
            old.generation_id, old.attempt, old.lease_epoch, new.lease_epoch
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    new.updated_at := now();
    RETURN new;
END
$$;

CREATE TRIGGER provider_calls_guard BEFORE UPDATE ON provider_calls
FOR EACH ROW EXECUTE FUNCTION provider_calls_guard();

ALTER TABLE provider_calls ENABLE ROW LEVEL SECURITY;
ALTER TABLE provider_calls FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE ON provider_calls TO pixelpop_worker;
GRANT SELECT, INSERT ON provider_calls TO pixelpop_gateway;

-- A worker works for every account.
CREATE POLICY worker ON provider_calls
TO pixelpop_worker
USING (true);

CREATE POLICY gateway_reads_own ON provider_calls
FOR SELECT TO pixelpop_gateway
USING (account_id = app_account_id());

CREATE POLICY gateway_cancels_own ON provider_calls
FOR INSERT TO pixelpop_gateway
WITH CHECK (
    account_id = app_account_id()
    AND state = 'cancelled'
    AND attempt = 1
);

-- migrate: rollback

DROP TABLE provider_calls;
DROP FUNCTION provider_calls_guard();
