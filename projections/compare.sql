-- name: create
-- Every row of every table as text, so that two schemas can be compared. The folded states are not
-- among it: two encodings of one state may differ in the order of a map.
CREATE VIEW comparable AS
SELECT 'accounts' AS name, account_id, row(account_id, head, sequence)::text AS content
FROM accounts
UNION ALL SELECT 'generations', account_id, t::text FROM generations AS t
UNION ALL SELECT 'batches', account_id, t::text FROM batches AS t
UNION ALL SELECT 'batch_items', account_id, t::text FROM batch_items AS t
UNION ALL SELECT 'images', account_id, t::text FROM images AS t
UNION ALL SELECT 'credit_accounts', account_id, t::text FROM credit_accounts AS t
UNION ALL SELECT 'grants', account_id, t::text FROM grants AS t
UNION ALL SELECT 'ledger', account_id, t::text FROM ledger AS t
UNION ALL SELECT 'purchases', account_id, t::text FROM purchases AS t
UNION ALL SELECT 'users', account_id, t::text FROM users AS t
UNION ALL SELECT 'preferences', account_id, t::text FROM preferences AS t
UNION ALL SELECT 'consents', account_id, t::text FROM consents AS t
UNION ALL SELECT 'telegram_chats', account_id, t::text FROM telegram_chats AS t
UNION ALL SELECT 'moderation_verdicts', account_id, t::text FROM moderation_verdicts AS t
UNION ALL SELECT 'provider_costs', generation_id, t::text FROM provider_costs AS t
UNION ALL SELECT 'voids', account_id, t::text FROM voids AS t;

-- name: digests
-- By table and share of the accounts: how many rows, and the sum of their hashes, whatever their
-- order. Two sums that agree by chance are one in 2^64.
SELECT
    name,
    hashtextextended(coalesce(account_id::text, ''), 0) & 1023 AS bucket,
    count(*) AS row_count,
    sum(hashtextextended(content, 0)::numeric)::text AS digest
FROM comparable
GROUP BY 1, 2;

-- name: rows
SELECT content
FROM comparable
WHERE name = $1 AND hashtextextended(coalesce(account_id::text, ''), 0) & 1023 = $2;
