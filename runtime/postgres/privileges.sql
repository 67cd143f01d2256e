-- name: attributes
-- What each role is, and of which roles it is a member.
SELECT
    r.rolname::text AS role,
    concat_ws(
        ' ',
        CASE WHEN r.rolsuper THEN 'SUPERUSER' END,
        CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END,
        CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
        CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,
        CASE WHEN r.rolreplication THEN 'REPLICATION' END,
        CASE WHEN r.rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END
    ) AS attributes,
    ARRAY(
        SELECT m.roleid::regrole::text FROM pg_auth_members AS m
        WHERE m.member = r.oid
        ORDER BY 1
    ) AS member_of
FROM pg_roles AS r
WHERE r.rolname = ANY($1::text[])
ORDER BY r.rolname;

-- name: privileges
-- What was granted to these roles or to everybody, outside of the system's own schemas, and what
-- they own. `acl` is NULL where nothing was granted: then the default holds, which gives everybody
-- EXECUTE on functions and nothing on the rest.
WITH ours AS (
    SELECT oid, nspname, nspowner, nspacl
    FROM pg_namespace
    WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
),
things AS (
    SELECT 'database' AS kind, '' AS name, NULL AS part, d.datdba AS owner,
        coalesce(d.datacl, acldefault('d', d.datdba)) AS acl
    FROM pg_database AS d
    WHERE d.datname = current_database()
    UNION ALL
    SELECT 'schema', n.nspname::text, NULL, n.nspowner,
        coalesce(n.nspacl, acldefault('n', n.nspowner))
    FROM ours AS n
    UNION ALL
    SELECT
        CASE WHEN c.relkind = 'v' THEN 'view' WHEN c.relkind = 'S' THEN 'sequence' ELSE 'table' END,
        format('%I.%I', n.nspname, c.relname), NULL, c.relowner,
        coalesce(c.relacl, acldefault(CASE WHEN c.relkind = 'S' THEN 's' ELSE 'r' END::"char",
            c.relowner))
    FROM pg_class AS c
    JOIN ours AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL
    SELECT 'table', format('%I.%I', n.nspname, c.relname), a.attname::text, c.relowner, a.attacl
    FROM pg_attribute AS a
    JOIN pg_class AS c ON c.oid = a.attrelid
    JOIN ours AS n ON n.oid = c.relnamespace
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
    UNION ALL
    SELECT 'function',
        format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
        NULL, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner))
    FROM pg_proc AS p
    JOIN ours AS n ON n.oid = p.pronamespace
)
SELECT
    t.kind,
    t.name,
    g.privilege_type AS privilege,
    CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END AS grantee,
    g.grantee = t.owner AS owned,
    g.is_grantable AS grantable,
    array_agg(t.part ORDER BY t.part) FILTER (WHERE t.part IS NOT NULL) AS columns
FROM things AS t
CROSS JOIN LATERAL aclexplode(t.acl) AS g
WHERE
    g.grantee = 0
    OR g.grantee IN (SELECT oid FROM pg_roles WHERE rolname = ANY($1::text[]))
GROUP BY t.kind, t.name, g.privilege_type, g.grantee, t.owner, g.is_grantable, t.part IS NULL
ORDER BY 4, 1, 2, 3;

-- name: policies
SELECT
    unnest(p.roles)::text AS grantee,
    format('%I.%I', p.schemaname, p.tablename) AS name,
    p.policyname::text AS policy,
    p.cmd,
    p.qual,
    p.with_check
FROM pg_policies AS p
ORDER BY 1, 2, 3;
