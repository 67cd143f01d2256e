-- name: known
SELECT purchase_id, refunded_at_ms IS NOT NULL AS refunded
FROM read.purchases
WHERE account_id = $1 AND purchase_id = ANY($2::uuid[]);
