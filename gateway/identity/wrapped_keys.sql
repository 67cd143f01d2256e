-- name: get_wrapped_keys
SELECT account_id, wrapped_key
FROM wrapped_keys($1::uuid[]);
