-- name: get_standings
SELECT account_id, wrapped_key, banned
FROM account_standings($1::uuid[]);
