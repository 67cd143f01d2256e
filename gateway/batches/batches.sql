-- name: get_items
SELECT generation_id
FROM read.batch_items
WHERE account_id = $1 AND batch_id = $2
ORDER BY index;

-- name: get_generations
SELECT g.*, b.batch_id
FROM read.generations AS g
LEFT JOIN read.batch_items AS b
    ON b.account_id = g.account_id AND b.generation_id = g.generation_id
WHERE g.account_id = $1 AND g.generation_id = ANY($2::uuid[]);

-- name: get_macs
SELECT i.index, g.body_mac
FROM read.batch_items AS i
JOIN read.generations AS g
    ON g.account_id = i.account_id AND g.generation_id = i.generation_id
WHERE i.account_id = $1 AND i.batch_id = $2
ORDER BY i.index;

-- name: list_batches
-- Newest first from a place on, each with its generations in order.
SELECT
    b.batch_id, b.requested_at_ms,
    ARRAY(
        SELECT i.generation_id
        FROM read.batch_items AS i
        WHERE i.account_id = b.account_id AND i.batch_id = b.batch_id
        ORDER BY i.index
    ) AS generation_ids
FROM read.batches AS b
WHERE
    b.account_id = $1
    AND ($2::bigint IS NULL OR (b.requested_at_ms, b.batch_id) < ($2, $3::uuid))
ORDER BY b.requested_at_ms DESC, b.batch_id DESC
LIMIT $4;
