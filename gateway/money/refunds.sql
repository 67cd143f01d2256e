-- name: get_purchase
SELECT
    p.purchase_id, p.provider, p.pack_id, p.credits, p.amount, p.currency, p.purchased_at_ms,
    p.granted_at_ms, p.refunded_at_ms, p.offer_id, p.charge_id, g.available AS unspent
FROM read.purchases AS p
LEFT JOIN read.grants AS g ON g.account_id = p.account_id AND g.grant_id = p.purchase_id
WHERE p.account_id = $1 AND p.purchase_id = $2;
