-- name: page
SELECT account_id, purchase_id, provider, amount, currency, purchased_at_ms, refunded_at_ms
FROM audit_purchases($1, $2, $3);

-- name: told
SELECT finding_id FROM payment_findings WHERE finding_id = ANY($1::uuid[]);

-- name: note
INSERT INTO payment_findings (finding_id)
SELECT unnest($1::uuid[])
ON CONFLICT DO NOTHING;

-- name: take_turn
UPDATE reconciliation SET next_at = now() + make_interval(secs => $1)
WHERE next_at <= now()
RETURNING one;

-- name: retry_in
UPDATE reconciliation SET next_at = now() + make_interval(secs => $1);
