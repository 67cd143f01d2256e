-- name: begin
-- One more call of a minute that holds so many, if it fits and nobody is kept away; where it does
-- not, how long until it might. The first call after `open_until` is a probe: until its outcome is
-- told, the others stay away for as long again.
WITH begun AS (
    INSERT INTO provider_paces AS pace (provider, full_until)
    VALUES ($1, clock_timestamp() + make_interval(secs => $2))
    ON CONFLICT (provider) DO UPDATE
    SET
        full_until =
            greatest(pace.full_until, clock_timestamp()) + make_interval(secs => $2),
        open_until = CASE
            WHEN pace.open_until IS NOT NULL
                THEN clock_timestamp() + make_interval(secs => $4)
        END
    WHERE
        greatest(pace.full_until, clock_timestamp()) + make_interval(secs => $2)
        <= clock_timestamp() + make_interval(secs => $3)
        AND (pace.open_until IS NULL OR pace.open_until <= clock_timestamp())
    RETURNING open_until IS NOT NULL AS probes
)

SELECT
    begun.probes,
    coalesce(known.open_until > clock_timestamp(), FALSE) AS is_open,
    coalesce(
        extract(epoch FROM known.full_until - clock_timestamp())::float8 + $2 - $3, 0.0
    ) AS wait_seconds
FROM (SELECT 1) AS one
LEFT JOIN begun ON TRUE
LEFT JOIN provider_paces AS known ON known.provider = $1;

-- name: open
UPDATE provider_paces
SET open_until = clock_timestamp() + make_interval(secs => $2)
WHERE provider = $1;

-- name: close
UPDATE provider_paces
SET open_until = NULL
WHERE provider = $1 AND open_until IS NOT NULL;
