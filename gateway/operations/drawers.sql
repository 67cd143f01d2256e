-- name: drawn
-- What running workers draw with.
SELECT coalesce(array_agg(DISTINCT provider), '{}')
FROM provider_shares
WHERE lease_until > clock_timestamp();
