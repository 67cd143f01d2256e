-- name: take
-- Work on an update, which came first so many seconds ago; no row: it is done, or somebody works
-- on it.
INSERT INTO bot_updates (update_id, lease_until)
VALUES ($1, now() + make_interval(secs => $2))
ON CONFLICT (update_id) DO UPDATE
SET lease_until = now() + make_interval(secs => $2)
WHERE NOT bot_updates.done AND bot_updates.lease_until < now()
RETURNING extract(epoch FROM now() - taken_at)::float8 AS age_seconds;

-- name: is_done
SELECT done FROM bot_updates WHERE update_id = $1;

-- name: done
UPDATE bot_updates SET done = true WHERE update_id = $1;

-- name: leave
-- It came to nothing: the next delivery may begin at once.
UPDATE bot_updates SET lease_until = '-infinity' WHERE update_id = $1 AND NOT done;

-- name: forget
-- Telegram repeats an update for a day. Each new one takes two old ones away.
DELETE FROM bot_updates
WHERE update_id IN (
    SELECT update_id
    FROM bot_updates
    WHERE taken_at < now() - interval '2 days'
    ORDER BY taken_at
    LIMIT 2
    FOR UPDATE SKIP LOCKED
);
