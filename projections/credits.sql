-- name: create
CREATE TABLE credit_accounts (
    account_id uuid PRIMARY KEY,
    available bigint NOT NULL,
    reserved bigint NOT NULL,
    debt bigint NOT NULL,
    granted bigint NOT NULL,
    spent bigint NOT NULL,
    expired bigint NOT NULL,
    written_off bigint NOT NULL,
    -- How many decisions have counted.
    sequence bigint NOT NULL,
    -- Why this reader no longer follows the account; NULL: it does.
    frozen text,
    log_partition integer NOT NULL,
    log_offset bigint NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE grants (
    account_id uuid NOT NULL,
    grant_id uuid NOT NULL,
    why text NOT NULL,
    origin text NOT NULL,
    promotional boolean NOT NULL,
    credits bigint NOT NULL,
    available bigint NOT NULL,
    expires_at_ms bigint,
    granted_at_ms bigint NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (account_id, grant_id)
) WITH (fillfactor = 80);

CREATE TABLE ledger (
    account_id uuid NOT NULL,
    sequence bigint NOT NULL,
    type text NOT NULL,
    at_ms bigint NOT NULL,
    -- The generation, source of credits or account that it is about.
    about text NOT NULL,
    -- Its effect on what is available.
    credits bigint NOT NULL,
    available_after bigint NOT NULL,
    detail jsonb NOT NULL,
    -- Double entry: [[account, credits], ...]; sums to zero.
    postings jsonb NOT NULL,
    value_hash text NOT NULL,
    log_partition integer NOT NULL,
    log_offset bigint NOT NULL,
    -- Read backwards it is the history, newest first.
    PRIMARY KEY (account_id, sequence)
);

-- name: create_indexes
CREATE INDEX IF NOT EXISTS ledger_about ON ledger (account_id, about, sequence);

CREATE INDEX IF NOT EXISTS credit_accounts_frozen ON credit_accounts (account_id)
WHERE frozen IS NOT NULL;

-- Whose credits end soon.
CREATE INDEX IF NOT EXISTS grants_by_end ON grants (expires_at_ms)
WHERE expires_at_ms IS NOT NULL;

-- name: count_frozen
SELECT count(*) FROM credit_accounts WHERE frozen IS NOT NULL;

-- name: rows_credit_accounts
WITH new_credit_accounts AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
        $7::bigint[], $8::bigint[], $9::bigint[], $10::text[], $11::integer[], $12::bigint[]
    )
)

-- name: stage_credit_accounts
DROP TABLE IF EXISTS pg_temp.new_credit_accounts;

CREATE TEMPORARY TABLE new_credit_accounts ON COMMIT DROP AS
SELECT * FROM credit_accounts WITH NO DATA;

-- name: upsert_credit_accounts
INSERT INTO credit_accounts AS a
SELECT * FROM new_credit_accounts
ON CONFLICT (account_id) DO UPDATE SET
    available = excluded.available,
    reserved = excluded.reserved,
    debt = excluded.debt,
    granted = excluded.granted,
    spent = excluded.spent,
    expired = excluded.expired,
    written_off = excluded.written_off,
    sequence = excluded.sequence,
    frozen = excluded.frozen,
    log_partition = excluded.log_partition,
    log_offset = excluded.log_offset;

-- name: rows_grants
WITH new_grants (
    account_id, grant_id, why, origin, promotional, credits, available, expires_at_ms,
    granted_at_ms, sequence
) AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::boolean[], $6::bigint[],
        $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[]
    )
)

-- name: stage_grants
DROP TABLE IF EXISTS pg_temp.new_grants;

CREATE TEMPORARY TABLE new_grants ON COMMIT DROP AS SELECT * FROM grants WITH NO DATA;

-- name: insert_grants
INSERT INTO grants SELECT * FROM new_grants;

-- name: change_grants
UPDATE grants AS g SET available = new.available
FROM new_grants AS new
WHERE g.account_id = new.account_id AND g.grant_id = new.grant_id;

-- name: rows_ledger
WITH new_ledger AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::bigint[],
        $7::bigint[], $8::jsonb[], $9::jsonb[], $10::text[], $11::integer[], $12::bigint[]
    )
)

-- name: stage_ledger
DROP TABLE IF EXISTS pg_temp.new_ledger;

CREATE TEMPORARY TABLE new_ledger ON COMMIT DROP AS SELECT * FROM ledger WITH NO DATA;

-- name: insert_ledger
-- The chain gives every sequence number once, so a conflict would be a fault: let it be loud.
INSERT INTO ledger SELECT * FROM new_ledger;
