-- name: redeem
SELECT
    outcome, promotion_id, credits, credits_days,
    (extract(EPOCH FROM redeemed_at) * 1000)::bigint AS redeemed_at_ms
FROM redeem_promotion($1);

-- name: open_promotion
-- No row: the code is taken.
INSERT INTO promotions (
    promotion_id, code, credits, redemptions_max, starts_at, ends_at, credits_days
)
VALUES ($1, $2, $3, $4, now(), now() + make_interval(days => $5), $6)
ON CONFLICT (code) DO NOTHING
RETURNING (extract(EPOCH FROM ends_at) * 1000)::bigint AS ends_at_ms;

-- name: close_promotion
UPDATE promotions SET closed_at = now()
WHERE promotion_id = $1 AND closed_at IS NULL AND ends_at > now()
RETURNING promotion_id;

-- name: get_promotion
SELECT
    promotion_id, code, credits, redemptions, redemptions_max, credits_days,
    ends_at <= now() AS is_over,
    (extract(EPOCH FROM made_at) * 1000)::bigint AS made_at_ms,
    (extract(EPOCH FROM ends_at) * 1000)::bigint AS ends_at_ms,
    (extract(EPOCH FROM closed_at) * 1000)::bigint AS closed_at_ms
FROM promotions
WHERE promotion_id = $1;

-- name: list_promotions
SELECT
    promotion_id, code, credits, redemptions, redemptions_max, credits_days,
    ends_at <= now() AS is_over,
    (extract(EPOCH FROM made_at) * 1000)::bigint AS made_at_ms,
    (extract(EPOCH FROM ends_at) * 1000)::bigint AS ends_at_ms,
    (extract(EPOCH FROM closed_at) * 1000)::bigint AS closed_at_ms
FROM promotions
ORDER BY made_at DESC, promotion_id
LIMIT $1;
