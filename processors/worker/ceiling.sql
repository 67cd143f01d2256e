-- name: lock
SELECT pg_advisory_xact_lock($1);

-- name: forget_ended
DELETE FROM worker_shares
WHERE lease_until <= clock_timestamp() OR holder = any($1::uuid[]);

-- name: others
SELECT wanted, holder, granted
FROM worker_shares
WHERE holder <> $1;

-- name: keep
INSERT INTO worker_shares (holder, wanted, granted, lease_until)
VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
ON CONFLICT (holder) DO UPDATE
SET
    wanted = excluded.wanted,
    granted = excluded.granted,
    lease_until = excluded.lease_until;
