-- name: get_access
SELECT account_id, roles, identities
FROM account_access($1::uuid[]);

-- name: is_live
SELECT EXISTS (
    SELECT 1
    FROM api_keys
    WHERE
        account_id = $1
        AND key_id = $2
        AND revoked_at IS NULL
        AND (expires_at IS NULL OR expires_at > now())
);

-- name: get_api_keys
SELECT secret_hash, key_id, account_id, scopes, expires_at
FROM api_keys_of($1::bytea[]);
