-- name: set_local
SELECT set_config($1, $2, true);

-- name: privileges
-- What the connection is, and what it could become by SET ROLE.
WITH reachable AS (
    SELECT *
    FROM pg_roles
    WHERE pg_has_role(session_user, oid, 'MEMBER') OR pg_has_role(current_user, oid, 'MEMBER')
)
SELECT
    current_user::text AS role,
    bool_or(rolsuper) AS superuser,
    bool_or(rolbypassrls) AS bypasses_rls,
    bool_or(rolcreaterole) AS makes_roles,
    (
        SELECT format('%I.%I', n.nspname, c.relname)
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE
            c.relkind IN ('r', 'p', 'v', 'm')
            AND n.nspname <> 'information_schema'
            AND n.nspname NOT LIKE 'pg\_%'
            AND (n.nspname = 'public' OR NOT $1)
            AND c.relowner IN (SELECT oid FROM reachable)
        ORDER BY 1
        LIMIT 1
    ) AS owned
FROM reachable;
