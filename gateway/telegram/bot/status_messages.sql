-- name: find_row
SELECT chat_id, message_id, language
FROM bot_status_messages
WHERE account_id = $1 AND generation_id = $2;

-- name: put_row
INSERT INTO bot_status_messages (generation_id, account_id, chat_id, message_id, language)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (generation_id) DO NOTHING;

-- name: drop_row
DELETE FROM bot_status_messages WHERE account_id = $1 AND generation_id = $2;

-- name: drop_old
-- Telegram lets nobody edit a message for ever, and no generation takes that long.
DELETE FROM bot_status_messages
WHERE account_id = $1 AND created_at < now() - interval '2 days';
