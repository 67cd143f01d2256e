-- name: create
CREATE TABLE projection_offsets (
    projection text NOT NULL,
    partition integer NOT NULL,
    topic text NOT NULL,
    next_offset bigint NOT NULL,
    fold_version integer NOT NULL,
    -- Of the record before next_offset: what the log must still hold there.
    hash_before text NOT NULL,
    -- Raised whenever a partition is claimed; a write by an older epoch is refused.
    epoch bigint NOT NULL,
    owner text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, partition)
) WITH (fillfactor = 50);

-- name: claim
INSERT INTO projection_offsets AS o (
    projection, partition, topic, next_offset, fold_version, hash_before, epoch, owner
)
SELECT $1, partition, $3, 0, $4, $5, 1, $6
FROM unnest($2::integer[]) AS p (partition)
ON CONFLICT (projection, partition) DO UPDATE SET
    epoch = o.epoch + 1,
    owner = excluded.owner,
    changed_at = now()
RETURNING partition, topic, next_offset, fold_version, hash_before, epoch;

-- name: advance
UPDATE projection_offsets AS o SET
    next_offset = m.next_offset,
    hash_before = m.hash_before,
    changed_at = now()
FROM unnest(
    $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[]
) AS m (partition, epoch, expected, next_offset, hash_before)
WHERE
    o.projection = $1
    AND o.partition = m.partition
    AND o.epoch = m.epoch
    AND o.next_offset = m.expected
RETURNING o.partition;

-- name: count_done
SELECT count(*)
FROM projection_offsets AS o
JOIN unnest($2::integer[], $3::bigint[], $4::bigint[]) AS m (partition, epoch, next_offset)
    ON o.partition = m.partition AND o.epoch = m.epoch AND o.next_offset = m.next_offset
WHERE o.projection = $1;

-- name: list
SELECT partition, topic, next_offset, fold_version, hash_before, epoch, owner, changed_at
FROM projection_offsets
WHERE projection = $1
ORDER BY partition;

-- name: lose_no_time
-- Rows and cursor are one transaction: if the server dies before it is on disk, both are gone and
-- the log is read again from the older cursor. And joins go by key, however odd the statistics.
SELECT
    set_config('synchronous_commit', 'off', true),
    set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true),
    set_config('enable_seqscan', 'off', true),
    set_config('jit', 'off', true);

-- name: lock_all
-- Whoever writes waits until this transaction ends.
SELECT partition, next_offset
FROM projection_offsets
WHERE projection = $1
ORDER BY partition
FOR UPDATE;

-- name: list_epochs
SELECT partition, epoch
FROM projection_offsets
WHERE projection = $1;
