-- name: outside_identities
-- Whose the account is; row-level security shows this one only.
SELECT provider, subject_id
FROM identities
WHERE account_id = $1;

-- name: destroy_own
SELECT destroy_own_identity($1);
