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

-- name: upsert
INSERT INTO accounts AS a
SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bytea[])
ON CONFLICT (account_id) DO UPDATE SET
    head = excluded.head,
    sequence = excluded.sequence,
    state = excluded.state;
