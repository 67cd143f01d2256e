-- name: told
-- Of which of these calls something was told.
SELECT DISTINCT n.generation_id, n.attempt
FROM provider_news AS n
JOIN unnest($1::uuid[], $2::integer[]) AS asked (generation_id, attempt)
    USING (generation_id, attempt);
