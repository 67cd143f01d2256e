-- name: find_same
-- A link to the same picture that tells as much and ends on about the same day.
SELECT share_id, generation_id, image_id, shows_prompt, created_at, expires_at
FROM shares
WHERE
    account_id = $1
    AND image_id = $2
    AND shows_prompt = $3
    AND revoked_at IS NULL
    AND expires_at BETWEEN $4::timestamptz - interval '1 day' AND $4::timestamptz + interval '1 day'
    AND expires_at > now()
ORDER BY expires_at DESC
LIMIT 1;

-- name: count_open
SELECT count(*) FROM shares WHERE account_id = $1 AND revoked_at IS NULL AND expires_at > now();

-- name: add
INSERT INTO shares (
    share_id, account_id, generation_id, image_id, code_hash, shows_prompt, created_at, expires_at
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (share_id) DO NOTHING;

-- name: forget_ended
-- Links that ended so many days ago are of no use to anybody.
DELETE FROM shares
WHERE
    account_id = $1
    AND least(expires_at, coalesce(revoked_at, expires_at)) < now() - make_interval(days => $2);

-- name: list_open
SELECT share_id, generation_id, image_id, shows_prompt, created_at, expires_at
FROM shares
WHERE
    account_id = $1
    AND ($2::uuid IS NULL OR generation_id = $2)
    AND ($3::timestamptz IS NULL OR (created_at, share_id) < ($3, $4::uuid))
    AND revoked_at IS NULL
    AND expires_at > now()
ORDER BY created_at DESC, share_id DESC
LIMIT $5;

-- name: revoke
UPDATE shares SET revoked_at = coalesce(revoked_at, now())
WHERE account_id = $1 AND share_id = $2
RETURNING generation_id;

-- name: end_of_generation
UPDATE shares SET revoked_at = now()
WHERE account_id = $1 AND generation_id = $2 AND revoked_at IS NULL;

-- name: end_of_image
UPDATE shares SET revoked_at = now()
WHERE account_id = $1 AND image_id = $2 AND revoked_at IS NULL;

-- name: open
SELECT share_id, account_id, generation_id, image_id, shows_prompt, expires_at
FROM open_share($1);

-- name: get_shared
-- What the page shows; nothing while the picture or its generation is in the bin.
SELECT g.prompt, g.style_id, g.size, i.object_key, i.width, i.height
FROM read.generations AS g
JOIN read.images AS i ON i.account_id = g.account_id AND i.generation_id = g.generation_id
WHERE
    g.account_id = $1
    AND g.generation_id = $2
    AND i.image_id = $3
    AND g.deleted_at_ms IS NULL
    AND i.deleted_at_ms IS NULL
    AND g.status = 'done';

-- name: get_picture
-- One of the account's pictures, unless it or its generation is in the bin.
SELECT i.generation_id, i.object_key
FROM read.images AS i
JOIN read.generations AS g ON g.account_id = i.account_id AND g.generation_id = i.generation_id
WHERE
    i.account_id = $1
    AND i.image_id = $2
    AND i.deleted_at_ms IS NULL
    AND g.deleted_at_ms IS NULL
    AND g.status = 'done';

-- name: get_share
SELECT share_id FROM shares WHERE account_id = $1 AND share_id = $2;

-- name: get_telegram
-- Who signs in by Telegram to this account, unless that person is known to have blocked the bot.
SELECT l.subject_id
FROM identity_links AS l
LEFT JOIN read.telegram_chats AS c ON c.account_id = l.account_id
WHERE l.account_id = $1 AND l.provider = 'telegram' AND c.reachable IS NOT FALSE
ORDER BY l.linked_at
LIMIT 1;
