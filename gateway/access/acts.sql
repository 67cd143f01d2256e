-- name: add_untold
INSERT INTO untold_acts (event_id, account_id, value)
VALUES ($1, $2, $3);

-- name: get_untold
SELECT event_id, account_id, value
FROM untold_acts_since($1, $2);

-- name: remove_untold
DELETE FROM untold_acts
WHERE event_id = $1;
