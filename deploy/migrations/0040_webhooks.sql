-- Outbound webhooks: where to send, what is to be sent, and how each attempt ended
-- depends: 0006_claim_holders

-- migrate: apply

DO $$
BEGIN
    CREATE ROLE pixelpop_webhooks NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;

GRANT USAGE ON SCHEMA public TO pixelpop_webhooks;

-- Endpoints belong to an account and go with it: whoever destroys the row in identities destroys
-- them, and with them everything below.
CREATE TABLE webhook_endpoints (
    endpoint_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES identities (account_id) ON DELETE CASCADE,
    url text NOT NULL CHECK (length(url) BETWEEN 8 AND 2000),
    description text NOT NULL CHECK (length(description) <= 200),
    -- Which types are sent; empty: all.
    event_types text[] NOT NULL CHECK (cardinality(event_types) <= 100),
    enabled boolean NOT NULL DEFAULT true,
    -- NULL while enabled: `owner` switched it off, or the receiver did: `gone`.
    disabled_reason text CHECK (disabled_reason IN ('owner', 'gone')),
    -- Both sealed with the account's key, under their numbers.
    secret_number integer NOT NULL DEFAULT 1 CHECK (secret_number > 0),
    secret text NOT NULL CHECK (length(secret) <= 1000),
    -- The one before it still signs, beside the new one, until then.
    old_secret text CHECK (length(old_secret) <= 1000),
    old_secret_until timestamptz,
    -- By the log's clock: what was decided earlier is not told.
    from_ms bigint NOT NULL CHECK (from_ms >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (endpoint_id, account_id),
    CHECK (enabled = (disabled_reason IS NULL)),
    CHECK ((old_secret IS NULL) = (old_secret_until IS NULL))
);

CREATE INDEX webhook_endpoints_by_account ON webhook_endpoints (account_id);

-- One row per event and endpoint, for as long as the event might be met in the log again and be
-- young enough to be told: that is what keeps an event from being told twice.
CREATE TABLE webhook_deliveries (
    -- Derived from endpoint and event; the receiver sees it as webhook-id.
    delivery_id uuid PRIMARY KEY,
    endpoint_id uuid NOT NULL,
    account_id uuid NOT NULL,
    event_id uuid NOT NULL,
    event_type text NOT NULL CHECK (length(event_type) <= 100),
    -- The very bytes that are sent and signed, at every attempt.
    payload bytea NOT NULL CHECK (octet_length(payload) <= 65536),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    -- Attempts begun in all, and since it was planned or asked for again.
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    -- When the next attempt is due, unless somebody makes one now: who that is may go on until
    -- lease_until, and every update of theirs names lease_epoch.
    due_at timestamptz NOT NULL DEFAULT now(),
    lease_epoch bigint NOT NULL DEFAULT 0,
    lease_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    UNIQUE (endpoint_id, event_id),
    UNIQUE (delivery_id, account_id),
    -- With the account, because foreign keys look past row-level security.
    FOREIGN KEY (endpoint_id, account_id)
    REFERENCES webhook_endpoints (endpoint_id, account_id) ON DELETE CASCADE,
    CHECK ((state = 'pending') = (ended_at IS NULL))
);

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_at)
WHERE state = 'pending';

CREATE INDEX webhook_deliveries_log ON webhook_deliveries (endpoint_id, created_at, delivery_id);

CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);

-- What came of each attempt. Of the answer nothing is kept but its status: a receiver that was
-- tricked into being another machine's door must not show what is behind it.
CREATE TABLE webhook_attempts (
    delivery_id uuid NOT NULL,
    attempt integer NOT NULL CHECK (attempt > 0),
    account_id uuid NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    -- NULL: under way, or its process was lost and nobody knows whether it was received.
    ended_at timestamptz,
    outcome text CHECK (length(outcome) <= 50),
    status integer CHECK (status BETWEEN 100 AND 999),
    PRIMARY KEY (delivery_id, attempt),
    FOREIGN KEY (delivery_id, account_id)
    REFERENCES webhook_deliveries (delivery_id, account_id) ON DELETE CASCADE
);

ALTER TABLE webhook_endpoints ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_endpoints FORCE ROW LEVEL SECURITY;
ALTER TABLE webhook_deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_deliveries FORCE ROW LEVEL SECURITY;
ALTER TABLE webhook_attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_attempts FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_endpoints TO pixelpop_gateway;
-- The gateway plans a test and asks for a delivery again; what is sent it cannot change.
GRANT SELECT, INSERT, UPDATE (state, tries, due_at, ended_at) ON webhook_deliveries
TO pixelpop_gateway;
GRANT SELECT ON webhook_attempts TO pixelpop_gateway;

GRANT SELECT, UPDATE (enabled, disabled_reason) ON webhook_endpoints TO pixelpop_webhooks;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_deliveries TO pixelpop_webhooks;
GRANT SELECT, INSERT, UPDATE ON webhook_attempts TO pixelpop_webhooks;
-- The key that opens an endpoint's secrets, one account at a time; not whose account it is.
GRANT SELECT (account_id, wrapped_key) ON identities TO pixelpop_webhooks;

CREATE POLICY own_rows ON webhook_endpoints
TO pixelpop_gateway
USING (account_id = app_account_id());

CREATE POLICY own_rows ON webhook_deliveries
TO pixelpop_gateway
USING (account_id = app_account_id());

CREATE POLICY own_rows ON webhook_attempts
TO pixelpop_gateway
USING (account_id = app_account_id());

-- The sender works for every account.
CREATE POLICY sender ON webhook_endpoints TO pixelpop_webhooks USING (true);

CREATE POLICY sender ON webhook_deliveries TO pixelpop_webhooks USING (true);

CREATE POLICY sender ON webhook_attempts TO pixelpop_webhooks USING (true);

CREATE POLICY sender_opens_secrets ON identities
FOR SELECT TO pixelpop_webhooks
USING (account_id = app_account_id());

-- Whether a decision counts: the hash of the one that does at this place of the account's chain
-- (NULL: none that was read yet), and whether the read models have seen this record of the log. It
-- runs as the projector, whose tables those are; late-bound, so the tables may be made (anew) later.
CREATE FUNCTION counted_decision(
    p_account uuid, p_sequence bigint, p_partition integer, p_offset bigint
) RETURNS TABLE (value_hash text, passed boolean)
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT
        (
            SELECT l.value_hash FROM read.ledger AS l
            WHERE l.account_id = p_account AND l.sequence = p_sequence
        ),
        coalesce((
            SELECT bool_and(o.next_offset > p_offset) FROM read.projection_offsets AS o
            WHERE o.partition = p_partition
        ), false);
END
$$;

REVOKE ALL ON FUNCTION counted_decision(uuid, bigint, integer, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION counted_decision(uuid, bigint, integer, bigint) TO pixelpop_webhooks;

-- As the first migration does for the keeper.
DO $$
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        EXECUTE format(
            'GRANT pixelpop_projector TO %I WITH INHERIT FALSE, SET TRUE', current_user
        );
    END IF;
END
$$;

GRANT CREATE ON SCHEMA public TO pixelpop_projector;
ALTER FUNCTION counted_decision(uuid, bigint, integer, bigint) OWNER TO pixelpop_projector;
REVOKE CREATE ON SCHEMA public FROM pixelpop_projector;

-- migrate: rollback

DROP FUNCTION counted_decision(uuid, bigint, integer, bigint);
DROP POLICY sender_opens_secrets ON identities;
REVOKE SELECT (account_id, wrapped_key) ON identities FROM pixelpop_webhooks;
DROP TABLE webhook_attempts;
DROP TABLE webhook_deliveries;
DROP TABLE webhook_endpoints;
REVOKE USAGE ON SCHEMA public FROM pixelpop_webhooks;
