-- name: lock
-- Answers with what workers that look at the same time agree on: whose turn it is.
SELECT
    pg_advisory_xact_lock($1),
    floor(extract(epoch FROM clock_timestamp()) / $2)::bigint AS turn;

-- name: forget_ended
DELETE FROM provider_shares
WHERE lease_until <= clock_timestamp() OR holder = any($1::uuid[]);

-- name: others
SELECT provider, wanted, holder, granted
FROM provider_shares
WHERE holder <> $1;

-- name: keep
INSERT INTO provider_shares (provider, holder, wanted, granted, lease_until)
SELECT given.provider, $1, given.wanted, given.granted,
    clock_timestamp() + make_interval(secs => $5)
FROM unnest($2::text[], $3::integer[], $4::integer[]) AS given (provider, wanted, granted)
ON CONFLICT (provider, holder) DO UPDATE
SET
    wanted = excluded.wanted,
    granted = excluded.granted,
    lease_until = excluded.lease_until;
