-- name: create
CREATE TABLE users (
    account_id uuid PRIMARY KEY,
    -- Sealed with the account's key.
    display_name text,
    language text,
    registered_at_ms bigint,
    erased_at_ms bigint
);

-- name: rows_users
WITH new_users AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
)

-- name: stage_users
DROP TABLE IF EXISTS pg_temp.new_users;

CREATE TEMPORARY TABLE new_users ON COMMIT DROP AS SELECT * FROM users WITH NO DATA;

-- name: upsert_users
-- A row comes from a registration or an erasure, each of which counts once; the second to come
-- knows about an erasure before it.
INSERT INTO users AS u
SELECT * FROM new_users
ON CONFLICT (account_id) DO UPDATE SET
    display_name = excluded.display_name,
    language = excluded.language,
    registered_at_ms = coalesce(excluded.registered_at_ms, u.registered_at_ms),
    erased_at_ms = coalesce(excluded.erased_at_ms, u.erased_at_ms);
