-- name: become_keys
-- For this transaction: the owner could do anything, this role only what is needed here.
SET LOCAL ROLE pixelpop_keys;

-- name: count_by_master
SELECT master_key_id, accounts
FROM wrapped_keys_by_master();

-- name: list_to_rewrap
SELECT account_id, wrapped_key
FROM keys_to_rewrap($1, $2, $3);

-- name: rewrap
SELECT rewrap_keys($1::uuid[], $2::bytea[], $3::bytea[], $4);
