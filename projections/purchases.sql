-- name: create
CREATE TABLE purchases (
    account_id uuid NOT NULL,
    purchase_id uuid NOT NULL,
    provider text NOT NULL,
    pack_id text NOT NULL,
    credits bigint NOT NULL,
    -- In the currency's smallest unit.
    amount bigint NOT NULL,
    currency text NOT NULL,
    expires_at_ms bigint,
    purchased_at_ms bigint NOT NULL,
    granted_at_ms bigint,
    refunded_at_ms bigint,
    revoked_at_ms bigint,
    -- Sealed.
    charge_id text,
    offer_id uuid,
    PRIMARY KEY (account_id, purchase_id)
);

-- name: create_indexes
CREATE INDEX IF NOT EXISTS purchases_newest ON purchases (account_id, purchased_at_ms DESC, purchase_id DESC);

-- name: rows_purchases
WITH new_purchases (
    account_id, purchase_id, provider, pack_id, credits, amount, currency, expires_at_ms,
    purchased_at_ms, granted_at_ms, refunded_at_ms, revoked_at_ms, charge_id, offer_id
) AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[],
        $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
        $13::text[], $14::uuid[]
    )
)

-- name: stage_purchases
DROP TABLE IF EXISTS pg_temp.new_purchases;

CREATE TEMPORARY TABLE new_purchases ON COMMIT DROP AS SELECT * FROM purchases WITH NO DATA;

-- name: insert_purchases
INSERT INTO purchases SELECT * FROM new_purchases;

-- name: change_purchases
UPDATE purchases AS p SET
    granted_at_ms = coalesce(new.granted_at_ms, p.granted_at_ms),
    refunded_at_ms = coalesce(new.refunded_at_ms, p.refunded_at_ms),
    revoked_at_ms = coalesce(new.revoked_at_ms, p.revoked_at_ms)
FROM new_purchases AS new
WHERE p.account_id = new.account_id AND p.purchase_id = new.purchase_id;
