-- name: get_wrapped_key
SELECT wrapped_key
FROM identities
WHERE account_id = $1;
