-- name: person
SELECT language, notifications, reachable, available FROM message_person($1);

-- name: chat
SELECT telegram_chat_of($1);

-- name: status_message
SELECT chat_id, message_id, language
FROM bot_status_messages
WHERE account_id = $1 AND generation_id = $2;

-- name: generation
SELECT
    status, error_code, captured, failed_count, is_deleted, object_keys, preview_keys, sizes,
    widths, heights
FROM message_generation($1, $2);

-- name: batch
SELECT batch_id, size, is_settled, left_open, done, pictures, captured, told_with
FROM message_batch($1, $2);

-- name: expiring
SELECT credits, first_ms FROM message_expiring($1, $2, $3);

-- name: expiries
SELECT account_id, day FROM message_expiries($1, $2, $3, $4, $5);
