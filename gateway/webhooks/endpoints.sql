-- name: lock_account
-- Two that make an endpoint at once must not both be the last one allowed. It ends with the
-- transaction.
SELECT pg_advisory_xact_lock(hashtextextended('webhooks ' || $1::uuid::text, 0));

-- name: count_endpoints
SELECT count(*) FROM webhook_endpoints WHERE account_id = $1;

-- name: add_endpoint
INSERT INTO webhook_endpoints (
    endpoint_id, account_id, url, description, event_types, secret, from_ms
)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING *;

-- name: list_endpoints
SELECT *
FROM webhook_endpoints
WHERE account_id = $1
ORDER BY created_at, endpoint_id
LIMIT 200;

-- name: get_endpoint
SELECT * FROM webhook_endpoints WHERE account_id = $1 AND endpoint_id = $2;

-- name: lock_endpoint
SELECT * FROM webhook_endpoints WHERE account_id = $1 AND endpoint_id = $2 FOR UPDATE;

-- name: change_endpoint
-- NULL: as it was. What is decided while it is switched off is not told later.
UPDATE webhook_endpoints
SET
    url = coalesce($3, url),
    event_types = coalesce($4, event_types),
    description = coalesce($5, description),
    enabled = coalesce($6, enabled),
    disabled_reason = CASE
        WHEN $6 THEN NULL
        WHEN $6 IS NULL THEN disabled_reason
        ELSE coalesce(disabled_reason, 'owner')
    END,
    from_ms = CASE WHEN $6 AND NOT enabled THEN greatest(from_ms, $7) ELSE from_ms END
WHERE account_id = $1 AND endpoint_id = $2
RETURNING *;

-- name: remove_endpoint
DELETE FROM webhook_endpoints WHERE account_id = $1 AND endpoint_id = $2 RETURNING endpoint_id;

-- name: rotate_secret
-- The one before the last is worth nothing from now on, however short it was kept.
UPDATE webhook_endpoints
SET
    secret_number = secret_number + 1,
    secret = $3,
    old_secret = CASE WHEN $4::float8 > 0 THEN secret END,
    old_secret_until = CASE WHEN $4::float8 > 0 THEN now() + make_interval(secs => $4) END
WHERE account_id = $1 AND endpoint_id = $2
RETURNING old_secret_until;

-- name: add_delivery
INSERT INTO webhook_deliveries (
    delivery_id, endpoint_id, account_id, event_id, event_type, payload
)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING *;

-- name: list_deliveries
SELECT
    delivery_id, event_type, state, attempts, due_at, lease_until > now() AS under_way, created_at,
    ended_at
FROM webhook_deliveries
WHERE
    account_id = $1
    AND endpoint_id = $2
    AND ($3::text IS NULL OR state = $3)
    AND ($4::timestamptz IS NULL OR (created_at, delivery_id) < ($4, $5::uuid))
ORDER BY created_at DESC, delivery_id DESC
LIMIT $6;

-- name: get_delivery
SELECT
    delivery_id, event_type, state, attempts, due_at, lease_until > now() AS under_way, created_at,
    ended_at, payload
FROM webhook_deliveries
WHERE account_id = $1 AND endpoint_id = $2 AND delivery_id = $3;

-- name: list_attempts
SELECT attempt, started_at, ended_at, outcome, status
FROM webhook_attempts
WHERE account_id = $1 AND delivery_id = $2
ORDER BY attempt
LIMIT 1000;

-- name: send_again
-- A lease that somebody holds stays theirs: what is under way now is not sent beside it.
UPDATE webhook_deliveries
SET state = 'pending', tries = 0, due_at = now(), ended_at = NULL
WHERE account_id = $1 AND endpoint_id = $2 AND delivery_id = $3
RETURNING
    delivery_id, event_type, state, attempts, due_at, lease_until > now() AS under_way, created_at,
    ended_at;

-- name: send_failed_again
UPDATE webhook_deliveries
SET state = 'pending', tries = 0, due_at = now(), ended_at = NULL
WHERE account_id = $1 AND endpoint_id = $2 AND state = 'failed'
RETURNING delivery_id;
