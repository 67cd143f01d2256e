-- name: use_proof
SELECT use_proof($1, $2, $3, to_timestamp($4));

-- name: sign_in
SELECT account_id, wrapped_key, newly_made, registered, welcome, banned
FROM sign_in_by($1, $2, $3, $4, $5, $6, $7);

-- name: set_registered
UPDATE identities
SET registered_at = now()
WHERE account_id = $1 AND registered_at IS NULL;

-- name: note_referral
SELECT note_referral($1, $2);
