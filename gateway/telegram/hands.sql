-- name: accounts
SELECT subject_id, account_id FROM telegram_accounts($1);
