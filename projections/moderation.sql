-- name: create
-- One row per thing that was judged: the words of a request (refusals only), and what checkers
-- looked at. Nothing in it is anybody's words.
CREATE TABLE moderation_verdicts (
    account_id uuid NOT NULL,
    generation_id uuid NOT NULL,
    stage text NOT NULL,
    -- Which photo or picture, and for the how-manieth time; -1: the words.
    index bigint NOT NULL,
    round bigint NOT NULL,
    provider text NOT NULL,
    verdict text NOT NULL,
    rule_id text,
    reason text NOT NULL,
    list_version text NOT NULL,
    at_ms bigint NOT NULL,
    PRIMARY KEY (account_id, generation_id, stage, index, round, provider)
);

-- name: create_indexes
CREATE INDEX IF NOT EXISTS moderation_verdicts_by_time ON moderation_verdicts (at_ms);

-- name: erase_verdicts
DELETE FROM moderation_verdicts WHERE account_id = ANY($1::uuid[]);

-- name: rows_moderation_verdicts
WITH new_moderation_verdicts AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[],
        $8::text[], $9::text[], $10::text[], $11::bigint[]
    ) AS given (
        account_id, generation_id, stage, index, round, provider, verdict, rule_id, reason,
        list_version, at_ms
    )
)

-- name: stage_moderation_verdicts
DROP TABLE IF EXISTS pg_temp.new_moderation_verdicts;

CREATE TEMPORARY TABLE new_moderation_verdicts ON COMMIT DROP AS
SELECT * FROM moderation_verdicts WITH NO DATA;

-- name: add_moderation_verdicts
-- Told again (a job that was delivered twice), the first counts.
INSERT INTO moderation_verdicts
SELECT * FROM new_moderation_verdicts
ON CONFLICT DO NOTHING;
