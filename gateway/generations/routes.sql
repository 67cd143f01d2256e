-- name: claim_cancelled
-- Attempt 1 is what a worker and a cancelling customer race for; no row: somebody was faster.
INSERT INTO provider_calls (generation_id, attempt, account_id, state)
VALUES ($1, 1, $2, 'cancelled')
ON CONFLICT (generation_id, attempt) DO NOTHING
RETURNING state;

-- name: get_claim
SELECT state
FROM provider_calls
WHERE generation_id = $1 AND attempt = 1;
