-- name: ask_export
-- Begin one, unless one is on its way or can still be fetched.
INSERT INTO exports AS e (account_id) VALUES ($1)
ON CONFLICT (account_id) DO UPDATE
SET
    export_id = gen_random_uuid(),
    state = 'waiting',
    written = 0,
    total = 0,
    parts = '[]',
    attempts = 0,
    lease_epoch = e.lease_epoch + 1,
    lease_until = NULL,
    requested_at = now(),
    ready_at = NULL,
    expires_at = NULL
WHERE e.state = 'failed' OR (e.state = 'ready' AND e.expires_at < now());

-- name: get_export
SELECT
    export_id, state, written, total, parts,
    (extract(EPOCH FROM requested_at) * 1000)::bigint AS requested_at_ms,
    (extract(EPOCH FROM ready_at) * 1000)::bigint AS ready_at_ms,
    (extract(EPOCH FROM expires_at) * 1000)::bigint AS expires_at_ms
FROM exports
WHERE account_id = $1;

-- name: claim
SELECT account_id, export_id, lease_epoch FROM claim_export($1, $2);

-- name: progress
-- No row: somebody else makes it now, or the account is gone.
UPDATE exports
SET written = $3, total = $4, lease_until = now() + make_interval(secs => $5)
WHERE account_id = $1 AND lease_epoch = $2 AND state = 'making'
RETURNING export_id;

-- name: finish
UPDATE exports
SET
    state = 'ready',
    written = total,
    parts = $3,
    lease_until = NULL,
    ready_at = now(),
    expires_at = now() + make_interval(hours => $4)
WHERE account_id = $1 AND lease_epoch = $2 AND state = 'making'
RETURNING export_id;

-- name: ended
SELECT account_id, export_id FROM ended_exports($1);

-- name: remove
DELETE FROM exports WHERE account_id = $1 AND export_id = $2 AND state IN ('ready', 'failed');

-- name: count_generations
SELECT count(*) FROM read.generations WHERE account_id = $1;

-- name: list_generations
SELECT g.*, b.batch_id
FROM read.generations AS g
LEFT JOIN read.batch_items AS b
    ON b.account_id = g.account_id AND b.generation_id = g.generation_id
WHERE
    g.account_id = $1
    AND ($2::bigint IS NULL OR (g.requested_at_ms, g.generation_id) > ($2, $3::uuid))
ORDER BY g.requested_at_ms, g.generation_id
LIMIT $4;

-- name: list_images
SELECT image_id, generation_id, index, object_key, width, height, content_type, deleted_at_ms
FROM read.images
WHERE account_id = $1 AND generation_id = ANY($2::uuid[])
ORDER BY generation_id, index;

-- name: list_ledger
SELECT
    sequence, type, at_ms, about, credits, available_after, detail::text AS detail,
    postings::text AS postings, value_hash
FROM read.ledger
WHERE account_id = $1 AND sequence > $2
ORDER BY sequence
LIMIT $3;

-- name: list_purchases
SELECT
    purchase_id, provider, pack_id, credits, amount, currency, purchased_at_ms, granted_at_ms,
    refunded_at_ms
FROM read.purchases
WHERE account_id = $1
ORDER BY purchased_at_ms, purchase_id
LIMIT $2;

-- name: list_identities
SELECT provider, subject_id, linked_at FROM identity_links WHERE account_id = $1 LIMIT 100;

-- name: list_shares
-- Links that ended long ago are not kept; what can be open at once is bounded by a setting.
SELECT share_id, generation_id, image_id, shows_prompt, created_at, expires_at, revoked_at
FROM shares
WHERE account_id = $1
ORDER BY created_at, share_id;

-- name: list_gifts_given
SELECT
    gift_id, credits, state,
    (extract(EPOCH FROM offered_at) * 1000)::bigint AS offered_at_ms,
    (extract(EPOCH FROM expires_at) * 1000)::bigint AS expires_at_ms,
    (extract(EPOCH FROM ended_at) * 1000)::bigint AS ended_at_ms
FROM gifts
WHERE account_id = $1
ORDER BY offered_at, gift_id;

-- name: list_gifts_received
SELECT gift_id, parts, received_at_ms FROM own_received_gifts();

-- name: get_referral_code
SELECT code FROM referral_codes WHERE account_id = $1;

-- name: list_invitations
SELECT referral_id, side, credits, joined_at_ms, rewarded_at_ms FROM own_invitations();

-- name: list_redemptions
SELECT promotion_id, code, redeemed_at_ms FROM own_redemptions();

-- name: list_verdicts
SELECT generation_id, stage, index, provider, verdict, rule_id, list_version, at_ms AS judged_at_ms
FROM read.moderation_verdicts
WHERE account_id = $1
ORDER BY at_ms, generation_id, stage, index, round
LIMIT $2;

-- name: list_appeals
SELECT
    appeal_id, generation_id, reason, state, words,
    (extract(EPOCH FROM filed_at) * 1000)::bigint AS filed_at_ms,
    (extract(EPOCH FROM decided_at) * 1000)::bigint AS decided_at_ms
FROM appeals
WHERE account_id = $1
ORDER BY filed_at, appeal_id;

-- name: list_uploads
SELECT
    upload_id, state, content_type, clean_type, clean_bytes, width, height, sha256, scan, reason,
    object_key,
    (extract(EPOCH FROM created_at) * 1000)::bigint AS created_at_ms,
    (extract(EPOCH FROM completed_at) * 1000)::bigint AS completed_at_ms,
    (extract(EPOCH FROM expires_at) * 1000)::bigint AS expires_at_ms
FROM uploads
WHERE account_id = $1 AND state <> 'expired' AND expires_at > now()
ORDER BY created_at, upload_id;
