-- name: create
CREATE TABLE voids (
    log_partition integer NOT NULL,
    log_offset bigint NOT NULL,
    -- NULL: the record does not say whose it is.
    account_id uuid,
    type text,
    -- Why a decision did not count, or `poison`.
    reason text NOT NULL,
    detail text,
    value_hash text NOT NULL,
    appended_at_ms bigint NOT NULL,
    PRIMARY KEY (log_partition, log_offset)
);

-- name: rows_voids
WITH new_voids AS (
    SELECT * FROM unnest(
        $1::integer[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::bigint[]
    )
)

-- name: stage_voids
DROP TABLE IF EXISTS pg_temp.new_voids;

CREATE TEMPORARY TABLE new_voids ON COMMIT DROP AS SELECT * FROM voids WITH NO DATA;

-- name: insert_voids
INSERT INTO voids SELECT * FROM new_voids;
