-- name: create
CREATE TABLE users (
    account_id uuid PRIMARY KEY,
    -- Sealed with the account's key.
    display_name text,
    language text,
    registered_at_ms bigint,
    erased_at_ms bigint
);

-- name: upsert
-- A row comes from a registration or an erasure, each of which counts once; the second to come
-- knows about an erasure before it.
INSERT INTO users AS u
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
ON CONFLICT (account_id) DO UPDATE SET
    display_name = excluded.display_name,
    language = excluded.language,
    registered_at_ms = coalesce(excluded.registered_at_ms, u.registered_at_ms),
    erased_at_ms = coalesce(excluded.erased_at_ms, u.erased_at_ms);
