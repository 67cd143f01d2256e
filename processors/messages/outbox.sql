-- name: began
-- By the log's clock, in ms: what was appended before is not told.
SELECT from_ms FROM bot_pace;

-- name: plan
-- Once per message, however often what it tells of is met; due in the order in which they are given.
INSERT INTO bot_messages (message_id, account_id, kind, about, detail, due_at)
SELECT
    planned.message_id, planned.account_id, planned.kind, planned.about, planned.detail,
    now() + planned.place * interval '1 microsecond'
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])
WITH ORDINALITY AS planned (message_id, account_id, kind, about, detail, place)
ON CONFLICT (message_id) DO NOTHING
RETURNING message_id;

-- name: lock
-- One process claims at a time, so that of one person's messages one is under way.
SELECT pg_advisory_xact_lock($1);

-- name: claim
-- Takes what is due: of each person the oldest, where the pause after the last one is over.
WITH due AS (
    SELECT m.message_id, m.account_id, m.due_at
    FROM bot_messages AS m
    LEFT JOIN bot_chat_pace AS p ON p.account_id = m.account_id
    WHERE
        m.state = 'pending'
        AND m.due_at <= now()
        AND (p.account_id IS NULL OR greatest(p.next_at, p.closed_until) <= now())
    ORDER BY m.due_at, m.message_id
    LIMIT $2
),
first AS (
    SELECT DISTINCT ON (account_id) message_id, account_id, due_at
    FROM due
    ORDER BY account_id, due_at, message_id
),
chosen AS (
    SELECT message_id, account_id
    FROM first
    WHERE (SELECT closed_until FROM bot_pace) <= now()
    ORDER BY due_at
    LIMIT $1
),
busy AS (
    INSERT INTO bot_chat_pace AS p (account_id, next_at)
    SELECT account_id, now() + make_interval(secs => $3) FROM chosen
    ON CONFLICT (account_id) DO UPDATE SET next_at = excluded.next_at
)
UPDATE bot_messages AS m
SET
    tries = m.tries + 1,
    lease_epoch = m.lease_epoch + 1,
    lease_until = now() + make_interval(secs => $3)
FROM chosen
WHERE m.message_id = chosen.message_id
RETURNING
    m.message_id, m.account_id, m.kind, m.about, m.detail, m.tries, m.lease_epoch,
    m.begun_at IS NOT NULL AS begun,
    extract(epoch FROM now() - m.created_at)::float8 AS age_seconds;

-- name: turn
-- When the next call may be made: takes the place in line, and tells how long it is until then.
UPDATE bot_pace
SET next_at = greatest(next_at, closed_until, clock_timestamp()) + make_interval(secs => $1)
RETURNING
    greatest(
        extract(epoch FROM next_at - make_interval(secs => $1) - clock_timestamp()), 0
    )::float8 AS wait_seconds;

-- name: begin
-- The last thing before a call: the claim still holds and Telegram did not say to wait. A call that
-- must not be made twice is noted here.
UPDATE bot_messages AS m
SET begun_at = CASE WHEN $3 THEN clock_timestamp() END
WHERE
    m.message_id = $1
    AND m.lease_epoch = $2
    AND m.lease_until > clock_timestamp()
    AND m.state = 'pending'
    AND NOT EXISTS (SELECT FROM bot_pace WHERE closed_until > clock_timestamp())
RETURNING m.message_id;

-- name: finish
-- How a try ended, and when the person may be written to again; not of one that was taken over.
WITH ended AS (
    UPDATE bot_messages
    SET
        state = $3,
        outcome = $4,
        due_at = CASE WHEN $3 = 'pending' THEN now() + make_interval(secs => $5) ELSE due_at END,
        ended_at = CASE WHEN $3 = 'pending' THEN NULL ELSE now() END,
        begun_at = NULL,
        lease_until = NULL
    WHERE message_id = $1 AND lease_epoch = $2 AND state = 'pending'
    RETURNING account_id
)
UPDATE bot_chat_pace AS p
SET next_at = now() + make_interval(secs => $6)
FROM ended
WHERE p.account_id = ended.account_id;

-- name: close
-- Telegram said to wait. Whether it meant the chat or everybody it does not say: everybody waits,
-- so long as it asks, but for a long pause only when it has told another chat so too; else one
-- person who makes the bot busy would keep all the others from theirs.
WITH chat AS (
    UPDATE bot_chat_pace
    SET closed_until = clock_timestamp() + make_interval(secs => $2)
    WHERE account_id = $1
)
UPDATE bot_pace
SET closed_until = greatest(
    closed_until,
    clock_timestamp() + make_interval(
        secs => CASE
            WHEN EXISTS (
                SELECT FROM bot_chat_pace
                WHERE account_id <> $1 AND closed_until > clock_timestamp()
            )
            THEN $2
            ELSE least($2, $3)
        END
    )
);

-- name: skip_all
-- The person cannot be written to: what waits is not sent any more.
UPDATE bot_messages
SET state = 'skipped', outcome = $2, ended_at = now(), lease_until = NULL
WHERE account_id = $1 AND state = 'pending' AND (lease_until IS NULL OR lease_until <= now());

-- name: prune
-- Old enough that what it tells of is not told any more when it is met again.
DELETE FROM bot_messages
WHERE message_id IN (
    SELECT message_id
    FROM bot_messages
    WHERE created_at < now() - make_interval(secs => $1)
    LIMIT $2
);
