-- name: find_row
SELECT step, update_id, said
FROM bot_dialogues
WHERE account_id = $1 AND expires_at > now();

-- name: put_row
INSERT INTO bot_dialogues (account_id, step, update_id, said, expires_at)
VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))
ON CONFLICT (account_id) DO UPDATE
SET
    step = excluded.step,
    update_id = excluded.update_id,
    said = excluded.said,
    expires_at = excluded.expires_at;

-- name: drop_row
DELETE FROM bot_dialogues WHERE account_id = $1;
