-- name: file
-- No row: there is one already, or as many are open as may be.
INSERT INTO appeals (appeal_id, account_id, generation_id, reason, body_mac, words)
SELECT $1, $2, $3, $4, $5, $6
WHERE (SELECT count(*) FROM appeals WHERE account_id = $2 AND state = 'open') < $7::bigint
ON CONFLICT DO NOTHING
RETURNING true;

-- name: get_appeal
SELECT
    appeal_id, generation_id, state, reason, words, body_mac,
    (extract(EPOCH FROM filed_at) * 1000)::bigint AS filed_at_ms,
    (extract(EPOCH FROM decided_at) * 1000)::bigint AS decided_at_ms
FROM appeals
WHERE account_id = $1 AND appeal_id = $2;

-- name: newest_refusal
-- The last one that was not objected to yet.
SELECT g.generation_id, g.prompt
FROM read.generations AS g
WHERE
    g.account_id = $1
    AND g.error_code = ANY($2::text[])
    AND g.deleted_at_ms IS NULL
    AND NOT EXISTS (
        SELECT FROM appeals AS a
        WHERE a.account_id = $1 AND a.generation_id = g.generation_id
    )
ORDER BY g.requested_at_ms DESC, g.generation_id DESC
LIMIT 1;

-- name: list_appeals
SELECT
    appeal_id, generation_id, state, reason, words,
    (extract(EPOCH FROM filed_at) * 1000)::bigint AS filed_at_ms,
    (extract(EPOCH FROM decided_at) * 1000)::bigint AS decided_at_ms
FROM appeals
WHERE account_id = $1
ORDER BY filed_at, appeal_id;

-- name: decide
-- No row: it was decided before.
UPDATE appeals
SET state = $3, decided_at = now()
WHERE account_id = $1 AND appeal_id = $2 AND state = 'open'
RETURNING true;

-- name: appeals_in
SELECT account_id, appeal_id FROM appeals_in($1, $2);

-- name: get_verdicts
SELECT stage, verdict, rule_id, provider, index
FROM read.moderation_verdicts
WHERE account_id = $1 AND generation_id = $2
ORDER BY at_ms, stage, index, round;

-- name: statistics
SELECT day, stage, provider, verdict, rule_id, verdicts
FROM read.moderation_statistics($1, $2);
