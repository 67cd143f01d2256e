-- Whose each payment is that a payment provider told of, so that no payment counts twice
-- depends: 0090_failed_exports

-- migrate: apply

-- The log drops what is told twice about one account; a payment that is told once about one account
-- and once about another is stopped here. One row for each payment, kept for ever; nothing in it
-- says who somebody is: a purchase's id is made from the provider's own by a one-way function.
CREATE TABLE payments_told (
    purchase_id uuid PRIMARY KEY,
    provider text NOT NULL CHECK (length(provider) <= 32),
    account_id uuid NOT NULL,
    pack_id text NOT NULL CHECK (length(pack_id) <= 64),
    credits bigint NOT NULL,
    -- In the currency's smallest unit.
    amount bigint NOT NULL,
    currency text NOT NULL CHECK (length(currency) <= 8),
    told_at timestamptz NOT NULL DEFAULT now(),
    -- Whether the log has acked its CreditsPurchased, its PurchaseRefunded.
    is_appended boolean NOT NULL DEFAULT false,
    is_refund_appended boolean NOT NULL DEFAULT false
);

ALTER TABLE payments_told ENABLE ROW LEVEL SECURITY;
ALTER TABLE payments_told FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT (purchase_id, provider, account_id, pack_id, credits, amount, currency),
UPDATE (is_appended, is_refund_appended) ON payments_told TO pixelpop_keeper;
CREATE POLICY keeper ON payments_told TO pixelpop_keeper USING (true);

-- Take payments, each for the account that was told first, and answer with what stands. In one
-- order, or two gateways that take the same payments wait for each other for ever.
CREATE FUNCTION take_payments(
    p_purchases uuid[], p_providers text[], p_accounts uuid[], p_packs text[], p_credits bigint[],
    p_amounts bigint[], p_currencies text[]
)
RETURNS SETOF payments_told
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO payments_told (
        purchase_id, provider, account_id, pack_id, credits, amount, currency
    )
    SELECT * FROM unnest(
        p_purchases, p_providers, p_accounts, p_packs, p_credits, p_amounts, p_currencies
    ) AS asked (purchase_id, provider, account_id, pack_id, credits, amount, currency)
    ORDER BY purchase_id
    ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT t.* FROM payments_told AS t WHERE t.purchase_id = ANY(p_purchases);
END
$$;

-- The payments among these that were told.
CREATE FUNCTION find_payments(p_purchases uuid[])
RETURNS SETOF payments_told
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT t.* FROM payments_told AS t WHERE t.purchase_id = ANY(p_purchases)
$$;

-- The log has acked the facts of these payments (p_refunds: those of their refunds).
CREATE FUNCTION note_payments_appended(p_purchases uuid[], p_refunds boolean[])
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM 1 FROM payments_told AS t
    WHERE t.purchase_id = ANY(p_purchases) ORDER BY t.purchase_id FOR UPDATE;
    UPDATE payments_told AS t
    SET
        is_appended = t.is_appended OR noted.is_payment,
        is_refund_appended = t.is_refund_appended OR noted.is_refund
    FROM (
        SELECT
            one.purchase_id,
            bool_or(NOT one.is_refund) AS is_payment,
            bool_or(one.is_refund) AS is_refund
        FROM unnest(p_purchases, p_refunds) AS one (purchase_id, is_refund)
        -- Of arrays that are not equally long, the rest is nothing.
        WHERE one.is_refund IS NOT NULL
        GROUP BY one.purchase_id
    ) AS noted
    WHERE t.purchase_id = noted.purchase_id;
END
$$;

REVOKE ALL ON FUNCTION take_payments(uuid[], text[], uuid[], text[], bigint[], bigint[], text[])
FROM PUBLIC;
REVOKE ALL ON FUNCTION find_payments(uuid[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION note_payments_appended(uuid[], boolean[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    take_payments(uuid[], text[], uuid[], text[], bigint[], bigint[], text[]),
    find_payments(uuid[]), note_payments_appended(uuid[], boolean[])
TO pixelpop_gateway;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper;
ALTER FUNCTION take_payments(uuid[], text[], uuid[], text[], bigint[], bigint[], text[])
OWNER TO pixelpop_keeper;
ALTER FUNCTION find_payments(uuid[]) OWNER TO pixelpop_keeper;
ALTER FUNCTION note_payments_appended(uuid[], boolean[]) OWNER TO pixelpop_keeper;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper;

-- migrate: rollback

DROP FUNCTION note_payments_appended(uuid[], boolean[]);
DROP FUNCTION find_payments(uuid[]);
DROP FUNCTION take_payments(uuid[], text[], uuid[], text[], bigint[], bigint[], text[]);
DROP TABLE payments_told;
