-- name: get_code
SELECT code FROM referral_codes WHERE account_id = $1;

-- name: add_code
INSERT INTO referral_codes (account_id, code) VALUES ($1, $2)
ON CONFLICT (account_id) DO NOTHING;

-- name: own_referrals
SELECT waiting, rewarded, earned FROM own_referrals();

-- name: waiting
SELECT account_id, joined_at FROM waiting_referrals($1, $2, $3, $4);

-- name: delivered
SELECT account_id FROM delivered_accounts($1::uuid[]);

-- name: reward
SELECT reward_referral($1, $2, $3, $4, $5);

-- name: untold
SELECT
    account_id, inviter, referral_id, friend_credits, inviter_credits, credits_days,
    (extract(EPOCH FROM rewarded_at) * 1000)::bigint AS rewarded_at_ms
FROM untold_referrals($1);

-- name: told
SELECT referral_told($1);
