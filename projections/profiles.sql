-- name: create
CREATE TABLE preferences (
    account_id uuid PRIMARY KEY,
    -- What was chosen; what was never chosen is missing.
    chosen jsonb NOT NULL
);

CREATE TABLE consents (
    account_id uuid NOT NULL,
    purpose text NOT NULL,
    version text NOT NULL,
    given_at_ms bigint,
    -- NULL: it holds.
    withdrawn_at_ms bigint,
    PRIMARY KEY (account_id, purpose)
);

-- name: erase_preferences
DELETE FROM preferences WHERE account_id = ANY($1::uuid[]);

-- name: erase_consents
DELETE FROM consents WHERE account_id = ANY($1::uuid[]);

-- name: rows_preferences
WITH new_preferences AS (
    SELECT account_id, chosen::jsonb AS chosen
    FROM unnest($1::uuid[], $2::text[]) AS given (account_id, chosen)
)

-- name: stage_preferences
DROP TABLE IF EXISTS pg_temp.new_preferences;

CREATE TEMPORARY TABLE new_preferences ON COMMIT DROP AS
SELECT account_id, chosen::text AS chosen FROM preferences WITH NO DATA;

-- name: upsert_preferences
INSERT INTO preferences AS p
SELECT account_id, chosen::jsonb FROM new_preferences
ON CONFLICT (account_id) DO UPDATE SET chosen = p.chosen || excluded.chosen;

-- name: rows_consents
WITH new_consents AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
    AS given (account_id, purpose, version, given_at_ms, withdrawn_at_ms)
)

-- name: stage_consents
DROP TABLE IF EXISTS pg_temp.new_consents;

CREATE TEMPORARY TABLE new_consents ON COMMIT DROP AS SELECT * FROM consents WITH NO DATA;

-- name: upsert_consents
-- A withdrawal does not know when consent was given; the row does.
INSERT INTO consents AS c
SELECT * FROM new_consents
ON CONFLICT (account_id, purpose) DO UPDATE SET
    version = excluded.version,
    given_at_ms = coalesce(excluded.given_at_ms, c.given_at_ms),
    withdrawn_at_ms = excluded.withdrawn_at_ms;
