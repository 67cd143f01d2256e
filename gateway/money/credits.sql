-- name: get_account
SELECT available, reserved, debt, granted, spent, expired
FROM read.credit_accounts
WHERE account_id = $1;

-- name: get_grants
-- Only those that something is left of, counted anew: 1 is used first.
SELECT
    grant_id, why, promotional, credits, available, granted_at_ms, expires_at_ms,
    row_number() OVER (ORDER BY use_order) AS use_order
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
