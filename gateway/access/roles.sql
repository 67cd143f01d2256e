-- name: get_roles
SELECT role
FROM role_grants
WHERE account_id = $1
ORDER BY role;

-- name: grant_role
INSERT INTO role_grants (account_id, role, granted_by)
VALUES ($1, $2, $3);

-- name: revoke_role
DELETE FROM role_grants
WHERE account_id = $1 AND role = $2;
