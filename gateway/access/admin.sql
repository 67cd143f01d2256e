-- name: get_links
SELECT provider, subject_id
FROM identity_links
WHERE account_id = $1;

-- name: ban_account
SELECT ban_account($1, $2, $3);

-- name: is_banned
SELECT banned
FROM account_standings(ARRAY[$1::uuid]);

-- name: get_created
SELECT created_at
FROM identities
WHERE account_id = $1;

-- name: admit_customer
SELECT admit_customer($1, $2, $3, $4);
