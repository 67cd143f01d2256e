-- name: lock_account
SELECT account_id FROM identities WHERE account_id = $1 FOR UPDATE;

-- name: count_open
-- What the decider refused never left, and takes no room.
SELECT count(*) FROM gifts AS g
WHERE
    g.account_id = $1
    AND g.state = 'open'
    AND NOT EXISTS (
        SELECT FROM read.ledger AS l
        WHERE l.account_id = g.account_id AND l.about = g.gift_id::text AND l.type = 'GiftRefused'
    );

-- name: add
INSERT INTO gifts (gift_id, account_id, code_hash, credits, expires_at)
VALUES ($1, $2, $3, $4, now() + make_interval(days => $5))
ON CONFLICT (gift_id) DO NOTHING
RETURNING gift_id;

-- name: get_gift
SELECT
    g.gift_id, g.credits, g.state, l.type AS decided,
    (extract(EPOCH FROM g.offered_at) * 1000)::bigint AS offered_at_ms,
    (extract(EPOCH FROM g.expires_at) * 1000)::bigint AS expires_at_ms,
    (extract(EPOCH FROM g.ended_at) * 1000)::bigint AS ended_at_ms
FROM gifts AS g
LEFT JOIN LATERAL (
    SELECT type FROM read.ledger
    WHERE account_id = g.account_id AND about = g.gift_id::text
    ORDER BY sequence DESC
    LIMIT 1
) AS l ON true
WHERE g.account_id = $1 AND g.gift_id = $2;

-- name: list_gifts
SELECT
    g.gift_id, g.credits, g.state, l.type AS decided,
    (extract(EPOCH FROM g.offered_at) * 1000)::bigint AS offered_at_ms,
    (extract(EPOCH FROM g.expires_at) * 1000)::bigint AS expires_at_ms,
    (extract(EPOCH FROM g.ended_at) * 1000)::bigint AS ended_at_ms
FROM gifts AS g
LEFT JOIN LATERAL (
    SELECT type FROM read.ledger
    WHERE account_id = g.account_id AND about = g.gift_id::text
    ORDER BY sequence DESC
    LIMIT 1
) AS l ON true
WHERE g.account_id = $1
ORDER BY g.offered_at DESC, g.gift_id
LIMIT $2;

-- name: take_back
UPDATE gifts SET state = 'taken_back', ended_at = now()
WHERE account_id = $1 AND gift_id = $2 AND state = 'open'
RETURNING gift_id;

-- name: find
SELECT gift_id, giver FROM find_gift($1);

-- name: sent
SELECT parts FROM sent_gift($1, $2);

-- name: claim
SELECT claim_gift($1, $2, $3);

-- name: end_gifts
SELECT end_gifts($1);

-- name: untold
SELECT
    gift_id, giver, receiver, state, parts,
    (extract(EPOCH FROM ended_at) * 1000)::bigint AS ended_at_ms
FROM untold_gifts($1);

-- name: told
SELECT gift_told($1);
