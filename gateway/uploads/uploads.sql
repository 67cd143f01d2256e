-- name: take_turn
-- One at a time of one account, so that what is counted stays true until it is added to.
SELECT pg_advisory_xact_lock(hashtextextended('uploads ' || $1::uuid::text, 0));

-- name: count_uploads
SELECT
    count(*) FILTER (WHERE state = 'open' AND form_until > now()) AS under_way,
    -- Refused ones too: looking at each takes as long as at any other.
    count(*) AS kept,
    extract(
        EPOCH FROM min(form_until) FILTER (WHERE state = 'open' AND form_until > now()) - now()
    )::float8 AS first_ends_seconds
FROM uploads
WHERE account_id = $1 AND expires_at > now();

-- name: add_upload
INSERT INTO uploads (upload_id, account_id, content_type, size_bytes, form_until, expires_at)
VALUES (
    $1, $2, $3, $4, now() + make_interval(secs => $5), now() + make_interval(hours => $6)
)
ON CONFLICT (upload_id) DO NOTHING;

-- name: get_upload
SELECT
    upload_id, state, content_type, size_bytes, created_at, form_until, expires_at, reason, detail,
    object_key, clean_type, clean_bytes, width, height, has_alpha, sha256, scan, completed_at, told,
    expires_at <= now() AS is_over
FROM uploads
WHERE account_id = $1 AND upload_id = $2;

-- name: list_uploads
-- Newest first from a place on, those that are kept for the moment.
SELECT
    upload_id, state, content_type, size_bytes, created_at, form_until, expires_at, reason, detail,
    object_key, clean_type, clean_bytes, width, height, has_alpha, sha256, scan, completed_at, told,
    expires_at <= now() AS is_over
FROM uploads
WHERE
    account_id = $1
    AND state <> 'expired'
    AND expires_at > now()
    AND (
        $2::bigint IS NULL
        OR ((extract(EPOCH FROM created_at) * 1000000)::bigint, upload_id) < ($2, $3::uuid)
    )
ORDER BY created_at DESC, upload_id DESC
LIMIT $4;

-- name: remove_upload
-- Nobody can begin to use it from here on. The row stays until the upload would have ended, so that
-- who sends and removes photos all day comes to the same limits as who keeps them; then the eraser
-- takes it, and what was sent by its form since.
UPDATE uploads SET state = 'expired', object_key = NULL, sha256 = NULL
WHERE
    account_id = $1
    AND upload_id = $2
    AND state <> 'expired'
    AND NOT EXISTS (
        SELECT FROM read.generations AS g
        WHERE
            g.account_id = $1
            AND g.status IN ('pending', 'processing')
            -- The name of an id stands in no other field.
            AND position($2::text IN g.sources) > 0
    )
RETURNING true;

-- name: finish
-- The first that is finished counts; nobody changes it afterwards.
UPDATE uploads
SET
    state = 'ready',
    object_key = $3,
    clean_type = $4,
    clean_bytes = $5,
    width = $6,
    height = $7,
    has_alpha = $8,
    sha256 = $9,
    scan = $10,
    completed_at = now()
WHERE account_id = $1 AND upload_id = $2 AND state = 'open';

-- name: refuse
UPDATE uploads SET state = 'refused', reason = $3, detail = $4
WHERE account_id = $1 AND upload_id = $2 AND state = 'open';

-- name: note_told
UPDATE uploads SET told = true WHERE account_id = $1 AND upload_id = $2 AND state = 'ready';

-- name: use_uploads
-- Those of these photos that can be used; each is kept for a while from now on.
UPDATE uploads
SET expires_at = greatest(expires_at, now() + make_interval(hours => $3))
WHERE
    account_id = $1
    AND upload_id = ANY($2::uuid[])
    AND state = 'ready'
    AND expires_at > now()
RETURNING upload_id, object_key, width, height, has_alpha;

-- name: get_states
SELECT upload_id, state FROM uploads WHERE account_id = $1 AND upload_id = ANY($2::uuid[]);

-- name: get_parent
-- One of the account's pictures, unless it or its generation is in the bin.
SELECT i.image_id, i.object_key, i.width, i.height
FROM read.images AS i
JOIN read.generations AS g ON g.account_id = i.account_id AND g.generation_id = i.generation_id
WHERE
    i.account_id = $1
    AND i.image_id = $2
    AND g.status = 'done'
    AND i.deleted_at_ms IS NULL
    AND g.deleted_at_ms IS NULL;
