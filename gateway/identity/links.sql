-- name: list_links
SELECT link_id, provider, subject_id, linked_at
FROM identity_links
WHERE account_id = $1
ORDER BY linked_at, link_id;

-- name: link
SELECT link_identity($1, $2, $3, $4);

-- name: get_link
SELECT link_id, provider, subject_id, linked_at
FROM identity_links
WHERE account_id = $1 AND provider = $2 AND subject_id = $3;

-- name: get_debt
SELECT debt FROM read.credit_accounts WHERE account_id = $1;

-- name: unlink
SELECT unlink_identity($1);
