-- name: endpoints_of
-- Where what happens to these accounts is told.
SELECT endpoint_id, account_id, event_types, from_ms
FROM webhook_endpoints
WHERE account_id = any($1::uuid[]) AND enabled
LIMIT 10000;

-- name: plan
-- Once per event and endpoint, however often the event is met.
INSERT INTO webhook_deliveries (
    delivery_id, endpoint_id, account_id, event_id, event_type, payload
)
SELECT planned.delivery_id, planned.endpoint_id, $3, $4, $5, $6
FROM unnest($1::uuid[], $2::uuid[]) AS planned (delivery_id, endpoint_id)
-- It may have been deleted since, which is no fault.
JOIN webhook_endpoints AS endpoint
    ON endpoint.endpoint_id = planned.endpoint_id AND endpoint.account_id = $3
ON CONFLICT (endpoint_id, event_id) DO NOTHING
RETURNING delivery_id;

-- name: claim
-- Takes what is due, of every endpoint so many at most, and notes that an attempt begins. Whoever
-- dies after this leaves an attempt without an end; the lease's end makes it due again.
WITH due AS MATERIALIZED (
    SELECT waiting.delivery_id
    FROM webhook_endpoints AS endpoint
    LEFT JOIN unnest($3::uuid[], $4::integer[]) AS busy (endpoint_id, sends)
        ON busy.endpoint_id = endpoint.endpoint_id
    CROSS JOIN LATERAL (
        SELECT delivery.delivery_id, delivery.due_at
        FROM webhook_deliveries AS delivery
        WHERE
            delivery.endpoint_id = endpoint.endpoint_id
            AND delivery.state = 'pending'
            AND delivery.due_at <= now()
            AND (delivery.lease_until IS NULL OR delivery.lease_until <= now())
            AND delivery.tries < $5
        ORDER BY delivery.due_at
        LIMIT greatest($2::integer - coalesce(busy.sends, 0), 0)
        FOR UPDATE OF delivery SKIP LOCKED
    ) AS waiting
    WHERE endpoint.enabled
    ORDER BY waiting.due_at
    LIMIT $1
),
claimed AS (
    UPDATE webhook_deliveries AS delivery
    SET
        attempts = attempts + 1,
        tries = tries + 1,
        lease_epoch = lease_epoch + 1,
        lease_until = now() + make_interval(secs => $6)
    FROM due
    WHERE delivery.delivery_id = due.delivery_id
    RETURNING
        delivery.delivery_id, delivery.endpoint_id, delivery.account_id, delivery.payload,
        delivery.attempts, delivery.tries, delivery.lease_epoch
),
begun AS (
    INSERT INTO webhook_attempts (delivery_id, attempt, account_id)
    SELECT delivery_id, attempts, account_id FROM claimed
)
SELECT
    claimed.delivery_id,
    claimed.endpoint_id,
    claimed.account_id,
    claimed.payload,
    claimed.attempts AS attempt,
    claimed.tries,
    claimed.lease_epoch,
    endpoint.url,
    endpoint.secret_number,
    endpoint.secret,
    CASE WHEN endpoint.old_secret_until > now() THEN endpoint.old_secret END AS old_secret
FROM claimed
JOIN webhook_endpoints AS endpoint USING (endpoint_id);

-- name: give_up_lost
-- The last attempt's process was lost: nobody knows what came of it, and there is no further one.
UPDATE webhook_deliveries
SET state = 'failed', ended_at = now(), lease_until = NULL
WHERE
    state = 'pending'
    AND tries >= $1
    AND due_at <= now()
    AND lease_until <= now();

-- name: finish
-- How an attempt ended, and what that means for its delivery; not of one that was taken over.
WITH ended AS (
    UPDATE webhook_deliveries
    SET
        state = $4,
        due_at = CASE WHEN $4 = 'pending' THEN now() + make_interval(secs => $5) ELSE due_at END,
        ended_at = CASE WHEN $4 = 'pending' THEN NULL ELSE now() END,
        lease_until = NULL
    WHERE delivery_id = $1 AND lease_epoch = $2 AND state = 'pending'
)
UPDATE webhook_attempts
SET ended_at = now(), outcome = $6, status = $7
WHERE delivery_id = $1 AND attempt = $3 AND ended_at IS NULL;

-- name: disable
-- The receiver says that nobody is there any more, and that this will not change.
UPDATE webhook_endpoints
SET enabled = false, disabled_reason = 'gone'
WHERE endpoint_id = $1 AND enabled;

-- name: prune
-- Old enough that its event is not told any more when it is met again.
DELETE FROM webhook_deliveries
WHERE delivery_id IN (
    SELECT delivery_id
    FROM webhook_deliveries
    WHERE created_at < now() - make_interval(secs => $1)
    LIMIT $2
);
