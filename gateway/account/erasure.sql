-- name: destroy_own
SELECT destroy_own_identity();
