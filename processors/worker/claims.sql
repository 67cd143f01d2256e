-- name: take
-- Attempt 1 is what workers and a cancelling gateway race for.
INSERT INTO provider_calls (
    generation_id, attempt, account_id, state, lease_epoch, lease_until, provider, holder
)
VALUES ($1, 1, $2, 'submitting', $5, clock_timestamp() + make_interval(secs => $4), $3, $6)
ON CONFLICT (generation_id, attempt) DO NOTHING
RETURNING lease_epoch;

-- name: latest
-- How far the generation got, and for how long somebody still holds it.
SELECT
    attempt,
    state,
    lease_epoch,
    provider,
    provider_ref,
    asked,
    expected,
    result,
    paid_micros,
    tried,
    uncertain,
    greatest(extract(epoch FROM lease_until - clock_timestamp()), 0)::float8 AS lease_seconds
FROM provider_calls
WHERE generation_id = $1
ORDER BY attempt DESC
LIMIT 1;

-- name: take_over
-- Only an expired lease, and only the one that was seen.
UPDATE provider_calls
SET
    lease_epoch = $5,
    lease_until = clock_timestamp() + make_interval(secs => $4),
    holder = $6
WHERE
    generation_id = $1
    AND attempt = $2
    AND lease_epoch = $3
    AND state IN ('submitting', 'submitted', 'stored')
    AND (lease_until IS NULL OR lease_until <= clock_timestamp())
RETURNING lease_epoch;

-- name: renew
-- Renews those that are still under way; answers with those that nobody took over, which may be
-- finished by now.
WITH mine AS (
    SELECT * FROM unnest($1::uuid[], $2::integer[], $3::bigint[])
    AS given (generation_id, attempt, lease_epoch)
),
renewed AS (
    UPDATE provider_calls AS held
    SET lease_until = clock_timestamp() + make_interval(secs => $4)
    FROM mine
    WHERE
        held.generation_id = mine.generation_id
        AND held.attempt = mine.attempt
        AND held.lease_epoch = mine.lease_epoch
        AND held.state IN ('submitting', 'submitted', 'stored')
)
SELECT held.generation_id
FROM provider_calls AS held
JOIN mine USING (generation_id, attempt, lease_epoch);

-- name: submitted
UPDATE provider_calls
SET state = 'submitted', provider_ref = $4
WHERE
    generation_id = $1
    AND attempt = $2
    AND lease_epoch = $3
    AND state IN ('submitting', 'submitted')
RETURNING lease_epoch;

-- name: answered
UPDATE provider_calls
SET expected = $4
WHERE
    generation_id = $1
    AND attempt = $2
    AND lease_epoch = $3
    AND state IN ('submitting', 'submitted')
RETURNING lease_epoch;

-- name: turn
-- Who was asked surely did nothing; the next one is asked. Repeated, nothing more.
UPDATE provider_calls
SET
    state = 'submitting', provider_ref = NULL, provider = $4,
    tried = array_append(tried, coalesce(provider, ''))
WHERE
    generation_id = $1
    AND attempt = $2
    AND lease_epoch = $3
    AND state IN ('submitting', 'submitted')
    AND provider IS DISTINCT FROM $4
RETURNING lease_epoch;

-- name: stored
UPDATE provider_calls
SET state = 'stored', result = $4
WHERE
    generation_id = $1
    AND attempt = $2
    AND lease_epoch = $3
    AND state IN ('submitting', 'submitted')
RETURNING lease_epoch;

-- name: reported
UPDATE provider_calls
SET state = 'reported', lease_until = NULL
WHERE generation_id = $1 AND attempt = $2 AND lease_epoch = $3 AND state = 'stored'
RETURNING lease_epoch;

-- name: failed
UPDATE provider_calls
SET state = 'failed', result = $4, lease_until = NULL
WHERE
    generation_id = $1
    AND attempt = $2
    AND lease_epoch = $3
    AND state IN ('submitting', 'submitted')
RETURNING lease_epoch;

-- name: give_up_attempt
-- The attempt whose outcome nobody knows; the next one follows in the same transaction.
UPDATE provider_calls
SET state = 'failed', lease_until = NULL
WHERE
    generation_id = $1
    AND attempt = $2
    AND lease_epoch = $3
    AND state IN ('submitting', 'submitted')
RETURNING lease_epoch;

-- name: next_attempt
INSERT INTO provider_calls (
    generation_id,
    attempt,
    account_id,
    state,
    lease_epoch,
    lease_until,
    provider,
    asked,
    holder,
    uncertain,
    paid_micros
)
VALUES (
    $1,
    $2,
    $3,
    'submitting',
    $6,
    clock_timestamp() + make_interval(secs => $5),
    $4,
    $7,
    $8,
    $9,
    $10
)
RETURNING lease_epoch;

-- name: let_go
-- Its holder goes on no more: the next worker need not wait for its end.
UPDATE provider_calls
SET lease_until = clock_timestamp()
WHERE
    generation_id = $1
    AND attempt = $2
    AND lease_epoch = $3
    AND state IN ('submitting', 'submitted', 'stored');

-- name: free
-- Of processes that are known to have ended: nobody need wait for the end of their leases.
UPDATE provider_calls
SET lease_until = clock_timestamp()
WHERE
    holder = any($1::uuid[])
    AND state IN ('submitting', 'submitted', 'stored')
    AND lease_until > clock_timestamp()
RETURNING generation_id;
