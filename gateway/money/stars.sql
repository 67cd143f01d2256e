-- name: get_language
SELECT coalesce(p.chosen ->> 'language', u.language)
FROM read.users AS u
LEFT JOIN read.preferences AS p ON p.account_id = u.account_id
WHERE u.account_id = $1;
