-- name: claim_cancelled
-- Attempt 1 is what a worker and a cancelling customer race for.
INSERT INTO provider_calls (generation_id, attempt, account_id, state)
SELECT asked, 1, $2, 'cancelled'
FROM unnest($1::uuid[]) AS asked
ON CONFLICT (generation_id, attempt) DO NOTHING;

-- name: get_cancelled
SELECT generation_id
FROM provider_calls
WHERE generation_id = ANY($1::uuid[]) AND attempt = 1 AND state = 'cancelled';
