-- Job slots: how many jobs each worker may perform at once, so that all together keep a ceiling
-- depends: 0006_claim_holders

-- migrate: apply

-- One row for each running worker process. Whoever changes its own holds the advisory lock that
-- processors/worker/ceiling.py names, so the sum of `granted` never passes the ceiling.
CREATE TABLE worker_shares (
    holder uuid PRIMARY KEY,
    -- How many it would perform if it might.
    wanted integer NOT NULL CHECK (wanted >= 0),
    -- How many it performs at most until `lease_until`.
    granted integer NOT NULL CHECK (granted >= 0),
    lease_until timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON worker_shares TO pixelpop_worker;

-- migrate: rollback

DROP TABLE worker_shares;
