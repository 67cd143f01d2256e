-- name: give
-- No row: that act was done before.
INSERT INTO goodwill (source_id, account_id, credits, expires_days)
VALUES ($1, $2, $3, $4)
ON CONFLICT (source_id) DO NOTHING
RETURNING true;

-- name: get_given
SELECT credits, expires_days, (extract(EPOCH FROM given_at) * 1000)::bigint AS given_at_ms
FROM goodwill
WHERE source_id = $1;
