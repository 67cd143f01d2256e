-- name: get_generation
SELECT g.*, b.batch_id
FROM read.generations AS g
LEFT JOIN read.batch_items AS b
    ON b.account_id = g.account_id AND b.generation_id = g.generation_id
WHERE g.account_id = $1 AND g.generation_id = $2;

-- name: get_images
SELECT
    image_id, generation_id, index, object_key, preview_key, width, height, deleted_at_ms,
    previews, blurhash, near_hash
FROM read.images
WHERE account_id = $1 AND generation_id = ANY($2::uuid[])
ORDER BY generation_id, index;

-- name: get_image
SELECT image_id, generation_id, deleted_at_ms
FROM read.images
WHERE account_id = $1 AND image_id = $2;

-- name: get_download
-- A picture that is in no bin, neither alone nor with its generation.
SELECT i.generation_id, i.object_key
FROM read.images AS i
JOIN read.generations AS g
    ON g.account_id = i.account_id AND g.generation_id = i.generation_id
WHERE
    i.account_id = $1 AND i.image_id = $2 AND i.deleted_at_ms IS NULL AND g.deleted_at_ms IS NULL;

-- name: list_generations
-- Newest first from a place on; nothing that is in the bin unless it is asked for.
SELECT g.*, b.batch_id
FROM read.generations AS g
LEFT JOIN read.batch_items AS b
    ON b.account_id = g.account_id AND b.generation_id = g.generation_id
WHERE
    g.account_id = $1
    AND ($2::bigint IS NULL OR (g.requested_at_ms, g.generation_id) < ($2, $3::uuid))
    AND ($4::text IS NULL OR g.status = $4)
    AND ($5::text IS NULL OR g.style_id = $5)
    AND (g.deleted_at_ms IS NOT NULL) = $6
ORDER BY g.requested_at_ms DESC, g.generation_id DESC
LIMIT $7;

-- name: get_balance
SELECT available, reserved, debt
FROM read.credit_accounts
WHERE account_id = $1;
