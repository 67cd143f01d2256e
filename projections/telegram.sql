-- name: create
CREATE TABLE telegram_chats (
    account_id uuid PRIMARY KEY,
    -- Whether the bot may write to the person; no row: Telegram never said.
    reachable boolean NOT NULL,
    -- By Telegram's clock.
    changed_at_ms bigint NOT NULL,
    update_id bigint NOT NULL
);

-- name: erase_chats
DELETE FROM telegram_chats WHERE account_id = ANY($1::uuid[]);

-- name: rows_telegram_chats
WITH new_telegram_chats AS (
    SELECT * FROM unnest($1::uuid[], $2::boolean[], $3::bigint[], $4::bigint[])
    AS given (account_id, reachable, changed_at_ms, update_id)
)

-- name: stage_telegram_chats
DROP TABLE IF EXISTS pg_temp.new_telegram_chats;

CREATE TEMPORARY TABLE new_telegram_chats ON COMMIT DROP AS
SELECT * FROM telegram_chats WITH NO DATA;

-- name: upsert_telegram_chats
-- What is older by Telegram's clock came late, and changes nothing.
INSERT INTO telegram_chats AS t
SELECT * FROM new_telegram_chats
ON CONFLICT (account_id) DO UPDATE SET
    reachable = excluded.reachable,
    changed_at_ms = excluded.changed_at_ms,
    update_id = excluded.update_id
WHERE (t.changed_at_ms, t.update_id) < (excluded.changed_at_ms, excluded.update_id);
