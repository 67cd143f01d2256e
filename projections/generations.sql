-- name: create
CREATE TABLE generations (
    account_id uuid NOT NULL,
    generation_id uuid NOT NULL,
    status text NOT NULL,
    kind text NOT NULL,
    -- Sealed with the account's key.
    prompt text NOT NULL,
    negative_prompt text,
    style_id text NOT NULL,
    size text NOT NULL,
    count bigint NOT NULL,
    seed bigint NOT NULL,
    model text NOT NULL,
    quality text NOT NULL,
    provider text,
    body_mac text NOT NULL,
    failed_count bigint,
    credits_reserved bigint,
    credits_captured bigint,
    credits_returned bigint,
    error_code text,
    error_detail text,
    retry_after_ms bigint,
    requested_at_ms bigint NOT NULL,
    admitted_at_ms bigint,
    started_at_ms bigint,
    finished_at_ms bigint,
    settled_at_ms bigint,
    deadline_ms bigint,
    deleted_at_ms bigint,
    -- When its owner last moved it into or out of the bin.
    bin_changed_at_ms bigint,
    -- Of its last change.
    log_partition integer NOT NULL,
    log_offset bigint NOT NULL,
    -- JSON: what it was made from besides words; empty: nothing.
    sources text,
    -- Whether somebody looked at its pictures: checked or unchecked; empty: there are none (yet).
    safety text,
    -- Where it was refused: the word lists' rule, or what a checker calls its reason.
    rule_id text,
    PRIMARY KEY (account_id, generation_id)
) WITH (fillfactor = 80);

CREATE TABLE images (
    account_id uuid NOT NULL,
    image_id uuid NOT NULL,
    generation_id uuid NOT NULL,
    index bigint NOT NULL,
    object_key text NOT NULL,
    preview_key text NOT NULL,
    width bigint NOT NULL,
    height bigint NOT NULL,
    content_type text NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 text NOT NULL,
    deleted_at_ms bigint,
    bin_changed_at_ms bigint,
    -- Further previews as JSON: object_key, content_type, width, height.
    previews text,
    blurhash text,
    near_hash text,
    PRIMARY KEY (account_id, image_id)
);

-- name: create_indexes
-- The gallery, newest first by keyset, as a whole and by each filter.
CREATE INDEX IF NOT EXISTS generations_gallery
ON generations (account_id, requested_at_ms DESC, generation_id DESC);

CREATE INDEX IF NOT EXISTS generations_by_status
ON generations (account_id, status, requested_at_ms DESC, generation_id DESC);

CREATE INDEX IF NOT EXISTS generations_by_style
ON generations (account_id, style_id, requested_at_ms DESC, generation_id DESC);

CREATE INDEX IF NOT EXISTS images_of_generation ON images (account_id, generation_id, index);

-- name: erase_images
DELETE FROM images WHERE account_id = ANY($1::uuid[]);

-- name: erase_generations
DELETE FROM generations WHERE account_id = ANY($1::uuid[]);

-- name: rows_generations
-- What the next two read when a batch is small; a large one is copied into a table of this name.
WITH new_generations (
    account_id, generation_id, status, kind, prompt, negative_prompt, style_id, size, count, seed,
    model, quality, provider, body_mac, failed_count, credits_reserved, credits_captured,
    credits_returned, error_code, error_detail, retry_after_ms, requested_at_ms, admitted_at_ms,
    started_at_ms, finished_at_ms, settled_at_ms, deadline_ms, deleted_at_ms, bin_changed_at_ms,
    log_partition, log_offset, sources, safety, rule_id
) AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::text[], $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[],
        $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::text[], $20::text[],
        $21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[], $25::bigint[], $26::bigint[],
        $27::bigint[], $28::bigint[], $29::bigint[], $30::integer[], $31::bigint[], $32::text[],
        $33::text[], $34::text[]
    )
)

-- name: stage_generations
DROP TABLE IF EXISTS pg_temp.new_generations;

CREATE TEMPORARY TABLE new_generations ON COMMIT DROP AS
SELECT * FROM generations WITH NO DATA;

-- name: insert_generations
-- A key that was forgotten after a day and is used again begins a new life.
INSERT INTO generations AS g
SELECT
    account_id, generation_id, status, kind, prompt, negative_prompt, style_id, size, count, seed,
    model, quality, provider, body_mac, failed_count, credits_reserved, credits_captured,
    credits_returned, error_code, error_detail, retry_after_ms, requested_at_ms, admitted_at_ms,
    started_at_ms, finished_at_ms, settled_at_ms, deadline_ms, nullif(deleted_at_ms, 0),
    bin_changed_at_ms, log_partition, log_offset, sources, safety, rule_id
FROM new_generations AS new
ON CONFLICT (account_id, generation_id) DO UPDATE SET
    status = excluded.status,
    kind = excluded.kind,
    prompt = excluded.prompt,
    negative_prompt = excluded.negative_prompt,
    style_id = excluded.style_id,
    size = excluded.size,
    count = excluded.count,
    seed = excluded.seed,
    model = excluded.model,
    quality = excluded.quality,
    provider = excluded.provider,
    body_mac = excluded.body_mac,
    failed_count = excluded.failed_count,
    credits_reserved = excluded.credits_reserved,
    credits_captured = excluded.credits_captured,
    credits_returned = excluded.credits_returned,
    error_code = excluded.error_code,
    error_detail = excluded.error_detail,
    retry_after_ms = excluded.retry_after_ms,
    requested_at_ms = excluded.requested_at_ms,
    admitted_at_ms = excluded.admitted_at_ms,
    started_at_ms = excluded.started_at_ms,
    finished_at_ms = excluded.finished_at_ms,
    settled_at_ms = excluded.settled_at_ms,
    deadline_ms = excluded.deadline_ms,
    deleted_at_ms = excluded.deleted_at_ms,
    bin_changed_at_ms = excluded.bin_changed_at_ms,
    log_partition = excluded.log_partition,
    log_offset = excluded.log_offset,
    sources = excluded.sources,
    safety = excluded.safety,
    rule_id = excluded.rule_id;

-- name: change_generations
-- Only what a change can carry; the columns that a request fixes are not among it.
UPDATE generations AS g SET
    status = coalesce(new.status, g.status),
    provider = coalesce(new.provider, g.provider),
    failed_count = coalesce(new.failed_count, g.failed_count),
    credits_reserved = coalesce(new.credits_reserved, g.credits_reserved),
    credits_captured = coalesce(new.credits_captured, g.credits_captured),
    credits_returned = coalesce(new.credits_returned, g.credits_returned),
    error_code = coalesce(new.error_code, g.error_code),
    error_detail = coalesce(new.error_detail, g.error_detail),
    retry_after_ms = coalesce(new.retry_after_ms, g.retry_after_ms),
    admitted_at_ms = coalesce(new.admitted_at_ms, g.admitted_at_ms),
    -- The first start counts.
    started_at_ms = coalesce(g.started_at_ms, new.started_at_ms),
    finished_at_ms = coalesce(new.finished_at_ms, g.finished_at_ms),
    settled_at_ms = coalesce(new.settled_at_ms, g.settled_at_ms),
    deadline_ms = coalesce(new.deadline_ms, g.deadline_ms),
    deleted_at_ms = CASE
        WHEN new.bin_changed_at_ms > coalesce(g.bin_changed_at_ms, 0)
        THEN nullif(new.deleted_at_ms, 0)
        ELSE g.deleted_at_ms
    END,
    bin_changed_at_ms = greatest(new.bin_changed_at_ms, g.bin_changed_at_ms),
    log_partition = new.log_partition,
    log_offset = new.log_offset,
    safety = coalesce(new.safety, g.safety),
    rule_id = coalesce(new.rule_id, g.rule_id)
FROM new_generations AS new
WHERE g.account_id = new.account_id AND g.generation_id = new.generation_id;

-- name: rows_images
WITH new_images (
    account_id, image_id, generation_id, index, object_key, preview_key, width, height,
    content_type, size_bytes, sha256, deleted_at_ms, bin_changed_at_ms, previews, blurhash,
    near_hash
) AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::bigint[],
        $8::bigint[], $9::text[], $10::bigint[], $11::text[], $12::bigint[], $13::bigint[],
        $14::text[], $15::text[], $16::text[]
    )
)

-- name: stage_images
DROP TABLE IF EXISTS pg_temp.new_images;

CREATE TEMPORARY TABLE new_images ON COMMIT DROP AS SELECT * FROM images WITH NO DATA;

-- name: insert_images
INSERT INTO images
SELECT
    account_id, image_id, generation_id, index, object_key, preview_key, width, height,
    content_type, size_bytes, sha256, nullif(deleted_at_ms, 0), bin_changed_at_ms, previews,
    blurhash, near_hash
FROM new_images AS new
ON CONFLICT (account_id, image_id) DO UPDATE SET
    generation_id = excluded.generation_id,
    index = excluded.index,
    object_key = excluded.object_key,
    preview_key = excluded.preview_key,
    width = excluded.width,
    height = excluded.height,
    content_type = excluded.content_type,
    size_bytes = excluded.size_bytes,
    sha256 = excluded.sha256,
    deleted_at_ms = excluded.deleted_at_ms,
    bin_changed_at_ms = excluded.bin_changed_at_ms,
    previews = excluded.previews,
    blurhash = excluded.blurhash,
    near_hash = excluded.near_hash;

-- name: change_images
UPDATE images AS i SET
    deleted_at_ms = CASE
        WHEN new.bin_changed_at_ms > coalesce(i.bin_changed_at_ms, 0)
        THEN nullif(new.deleted_at_ms, 0)
        ELSE i.deleted_at_ms
    END,
    bin_changed_at_ms = greatest(new.bin_changed_at_ms, i.bin_changed_at_ms)
FROM new_images AS new
WHERE i.account_id = new.account_id AND i.image_id = new.image_id;
