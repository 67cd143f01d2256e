-- name: get_chosen
SELECT chosen::text FROM read.preferences WHERE account_id = $1;
