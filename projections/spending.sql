-- name: create
-- One row per result or lost call that a provider was, or may have been, paid for, and per result
-- that shows how long a model takes. It names no account and outlives it: the money was spent.
CREATE TABLE provider_costs (
    generation_id uuid NOT NULL,
    -- `completed`, `failed`, or `uncertain:` and the attempt.
    step text NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    -- In millionths of a US dollar.
    cost_micros bigint NOT NULL,
    pictures bigint NOT NULL,
    -- How long they took; 0: not known.
    made_ms bigint NOT NULL,
    at_ms bigint NOT NULL,
    PRIMARY KEY (generation_id, step)
);

-- name: create_indexes
CREATE INDEX IF NOT EXISTS provider_costs_by_time ON provider_costs (at_ms);

-- name: rows_provider_costs
WITH new_provider_costs AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
        $8::bigint[]
    ) AS given (generation_id, step, provider, model, cost_micros, pictures, made_ms, at_ms)
)

-- name: stage_provider_costs
DROP TABLE IF EXISTS pg_temp.new_provider_costs;

CREATE TEMPORARY TABLE new_provider_costs ON COMMIT DROP AS
SELECT * FROM provider_costs WITH NO DATA;

-- name: add_provider_costs
-- Told again, the first counts.
INSERT INTO provider_costs
SELECT * FROM new_provider_costs
ON CONFLICT DO NOTHING;
