-- name: create
-- What was asked for with one command, and which generations it became.
CREATE TABLE batches (
    account_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    size bigint NOT NULL,
    requested_at_ms bigint NOT NULL,
    log_partition integer NOT NULL,
    log_offset bigint NOT NULL,
    PRIMARY KEY (account_id, batch_id)
);

CREATE TABLE batch_items (
    account_id uuid NOT NULL,
    generation_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    index bigint NOT NULL,
    PRIMARY KEY (account_id, generation_id)
);

-- name: create_indexes
CREATE INDEX IF NOT EXISTS batches_by_time
ON batches (account_id, requested_at_ms DESC, batch_id DESC);

CREATE INDEX IF NOT EXISTS items_of_batch ON batch_items (account_id, batch_id, index);

-- name: erase_batches
DELETE FROM batches WHERE account_id = ANY($1::uuid[]);

-- name: erase_batch_items
DELETE FROM batch_items WHERE account_id = ANY($1::uuid[]);

-- name: rows_batches
WITH new_batches AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[], $5::integer[], $6::bigint[]
    ) AS given (account_id, batch_id, size, requested_at_ms, log_partition, log_offset)
)

-- name: stage_batches
DROP TABLE IF EXISTS pg_temp.new_batches;

CREATE TEMPORARY TABLE new_batches ON COMMIT DROP AS
SELECT * FROM batches WITH NO DATA;

-- name: insert_batches
-- A key that was forgotten after a day and is used again begins a new life.
INSERT INTO batches AS b
SELECT * FROM new_batches
ON CONFLICT (account_id, batch_id) DO UPDATE SET
    size = excluded.size,
    requested_at_ms = excluded.requested_at_ms,
    log_partition = excluded.log_partition,
    log_offset = excluded.log_offset;

-- name: rows_batch_items
WITH new_batch_items AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[])
        AS given (account_id, generation_id, batch_id, index)
)

-- name: stage_batch_items
DROP TABLE IF EXISTS pg_temp.new_batch_items;

CREATE TEMPORARY TABLE new_batch_items ON COMMIT DROP AS
SELECT * FROM batch_items WITH NO DATA;

-- name: insert_batch_items
INSERT INTO batch_items
SELECT * FROM new_batch_items
ON CONFLICT DO NOTHING;
