-- name: lock_account
-- One at a time changes an account's access; no row: there is no such account.
SELECT account_id
FROM identities
WHERE account_id = $1
FOR UPDATE;

-- name: count_live
SELECT count(*)
FROM api_keys
WHERE account_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now());

-- name: add_key
INSERT INTO api_keys
    (key_id, account_id, secret_hash, hint, name, scopes, created_by, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: list_keys
-- Those that are good first, then the newest.
SELECT key_id, hint, name, scopes, created_by, created_at, expires_at, last_used_at, revoked_at
FROM api_keys
WHERE account_id = $1
ORDER BY revoked_at IS NOT NULL, created_at DESC, key_id
LIMIT $2;

-- name: revoke_key
-- No row: there is none, or it was revoked before.
UPDATE api_keys
SET revoked_at = now()
WHERE account_id = $1 AND key_id = $2 AND revoked_at IS NULL
RETURNING scopes;

-- name: lock_live
-- No row: it is good no more. Nobody revokes it before the transaction ends.
SELECT key_id
FROM api_keys
WHERE
    account_id = $1
    AND key_id = $2
    AND revoked_at IS NULL
    AND (expires_at IS NULL OR expires_at > now())
FOR UPDATE;

-- name: has_key
SELECT EXISTS (SELECT 1 FROM api_keys WHERE account_id = $1 AND key_id = $2);
