-- name: get_balance
SELECT available, reserved, debt
FROM read.credit_accounts
WHERE account_id = $1;
