-- name: get_access
SELECT account_id, roles, identities
FROM account_access($1::uuid[]);

-- name: get_api_keys
SELECT secret_hash, key_id, account_id, scopes, expires_at
FROM api_keys_of($1::bytea[]);
