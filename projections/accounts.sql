-- name: create
CREATE TABLE accounts (
    account_id uuid PRIMARY KEY,
    -- Hash of the last counted decision.
    head text NOT NULL,
    sequence bigint NOT NULL,
    -- The folded state, MessagePack.
    state bytea NOT NULL
) WITH (fillfactor = 70);

-- name: load
SELECT state FROM accounts WHERE account_id = ANY($1::uuid[]);

-- name: rows_accounts
WITH new_accounts AS (SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bytea[]))

-- name: stage_accounts
DROP TABLE IF EXISTS pg_temp.new_accounts;

CREATE TEMPORARY TABLE new_accounts ON COMMIT DROP AS SELECT * FROM accounts WITH NO DATA;

-- name: upsert_accounts
INSERT INTO accounts AS a
SELECT * FROM new_accounts
ON CONFLICT (account_id) DO UPDATE SET
    head = excluded.head,
    sequence = excluded.sequence,
    state = excluded.state;
