-- name: list_purchases
SELECT
    purchase_id, provider, pack_id, credits, amount, currency, purchased_at_ms, granted_at_ms,
    refunded_at_ms, offer_id
FROM read.purchases
WHERE account_id = $1
ORDER BY purchased_at_ms DESC
LIMIT $2;

-- name: get_purchase
SELECT
    purchase_id, provider, pack_id, credits, amount, currency, purchased_at_ms, granted_at_ms,
    refunded_at_ms, offer_id
FROM read.purchases
WHERE account_id = $1 AND purchase_id = $2;
