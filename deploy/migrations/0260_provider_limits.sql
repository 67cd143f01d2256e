-- Providers' limits, kept by all workers together; who draws with what
-- depends: 0060_worker_shares

-- migrate: apply

-- One row for each provider that a running worker draws with. Whoever changes its own holds the
-- advisory lock that processors/worker/rooms.py names, so the sum of `granted` of one provider
-- never passes what its account allows at once.
CREATE TABLE provider_shares (
    provider text NOT NULL CHECK (length(provider) <= 100),
    holder uuid NOT NULL,
    -- How many calls it would make at once if it might.
    wanted integer NOT NULL CHECK (wanted >= 0),
    -- How many it makes at most until `lease_until`.
    granted integer NOT NULL CHECK (granted >= 0),
    lease_until timestamptz NOT NULL,
    PRIMARY KEY (provider, holder)
);

-- One row for each provider that was ever asked: how often it may be, and whether at all.
CREATE TABLE provider_paces (
    provider text PRIMARY KEY CHECK (length(provider) <= 100),
    -- When all calls that were begun will have been paid off at the provider's rate; a minute ahead
    -- of now is full.
    full_until timestamptz NOT NULL,
    -- Until then nobody is sent there; after it one call is, as a probe. NULL: it is well.
    open_until timestamptz
);

GRANT SELECT, INSERT, UPDATE, DELETE ON provider_shares TO pixelpop_worker;
GRANT SELECT, INSERT, UPDATE ON provider_paces TO pixelpop_worker;
-- A gateway asks who draws with what.
GRANT SELECT (provider, lease_until) ON provider_shares TO pixelpop_gateway;

-- migrate: rollback

DROP TABLE provider_paces;
DROP TABLE provider_shares;
