-- The books, compared with what payment providers say: who may read them, and what was found
-- depends: 0130_messages

-- migrate: apply

DO $$
BEGIN
    CREATE ROLE pixelpop_auditor NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;

GRANT USAGE ON SCHEMA public TO pixelpop_auditor;

-- Findings that the log was told of: a difference that stays is not told again at every look. One
-- row for each; it says nothing about whom.
CREATE TABLE payment_findings (
    finding_id uuid PRIMARY KEY,
    found_at timestamptz NOT NULL DEFAULT now()
);

-- When the books are compared next, in one row; who takes the turn moves it on.
CREATE TABLE reconciliation (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    next_at timestamptz NOT NULL DEFAULT '-infinity'
);

INSERT INTO reconciliation DEFAULT VALUES;

GRANT SELECT, INSERT (finding_id) ON payment_findings TO pixelpop_auditor;
GRANT SELECT, UPDATE (next_at) ON reconciliation TO pixelpop_auditor;

-- The ledger's purchases of payment providers, whoever's they are, page by page. Late-bound, so
-- the tables may be made (anew) later.
CREATE FUNCTION audit_purchases(p_after_account uuid, p_after_purchase uuid, p_limit integer)
RETURNS TABLE (
    account_id uuid, purchase_id uuid, provider text, amount bigint, currency text,
    purchased_at_ms bigint, refunded_at_ms bigint
)
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT
        p.account_id, p.purchase_id, p.provider, p.amount, p.currency, p.purchased_at_ms,
        p.refunded_at_ms
    FROM read.purchases AS p
    WHERE (p.account_id, p.purchase_id) > (p_after_account, p_after_purchase)
    ORDER BY p.account_id, p.purchase_id
    LIMIT p_limit;
END
$$;

REVOKE ALL ON FUNCTION audit_purchases(uuid, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_purchases(uuid, uuid, integer) TO pixelpop_auditor;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_projector;
ALTER FUNCTION audit_purchases(uuid, uuid, integer) OWNER TO pixelpop_projector;
REVOKE CREATE ON SCHEMA public FROM pixelpop_projector;

-- migrate: rollback

DROP FUNCTION audit_purchases(uuid, uuid, integer);
DROP TABLE reconciliation;
DROP TABLE payment_findings;
REVOKE USAGE ON SCHEMA public FROM pixelpop_auditor;
