-- name: get_account
SELECT available, reserved, debt, granted, spent, expired
FROM read.credit_accounts
WHERE account_id = $1;

-- name: get_grants
SELECT grant_id, why, credits, available, granted_at_ms, expires_at_ms, use_order
FROM read.grants
WHERE account_id = $1 AND available > 0
ORDER BY use_order
LIMIT 500;

-- name: list_ledger
SELECT
    sequence, type, at_ms, about, credits, available_after, detail::text AS detail,
    postings::text AS postings, value_hash
FROM read.ledger
WHERE account_id = $1 AND ($2::bigint IS NULL OR sequence < $2)
ORDER BY sequence DESC
LIMIT $3;
