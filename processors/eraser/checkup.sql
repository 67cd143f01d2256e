-- name: may_look
SELECT
    to_regprocedure('read.account_ends()') IS NOT NULL AS there,
    NOT row_security_active('identities')
    OR pg_has_role(current_user, 'pixelpop_eraser', 'USAGE') AS sees_all;

-- name: live_without_identity
-- Nobody can sign in to them, and nothing sealed of them can be read.
SELECT u.account_id::text, count(*) OVER () AS number
FROM read.account_ends() AS u
LEFT JOIN identities AS i ON i.account_id = u.account_id
WHERE u.erased_at_ms IS NULL AND i.account_id IS NULL
ORDER BY u.account_id
LIMIT $1;

-- name: erased_with_identity
SELECT u.account_id::text, count(*) OVER () AS number
FROM read.account_ends() AS u
JOIN identities AS i ON i.account_id = u.account_id
WHERE u.erased_at_ms < (extract(EPOCH FROM now()) - $2) * 1000
ORDER BY u.account_id
LIMIT $1;

-- name: unfinished
SELECT account_id::text, count(*) OVER () AS number
FROM erasures
WHERE
    (swept_at IS NULL OR settled_at IS NULL OR done_at IS NULL)
    AND erased_at < now() - make_interval(secs => $2)
ORDER BY erased_at
LIMIT $1;
