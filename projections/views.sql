-- name: lock_views
-- All at once and in one order, or a reader that holds one and wants the next is in a deadlock.
DO $$
DECLARE
    views text;
BEGIN
    SELECT string_agg(format('read.%I', c.relname), ', ' ORDER BY c.relname) INTO views
    FROM pg_class AS c
    WHERE c.relnamespace = 'read'::regnamespace AND c.relkind = 'v';
    IF views IS NOT NULL THEN
        EXECUTE 'LOCK TABLE ' || views || ' IN ACCESS EXCLUSIVE MODE';
    END IF;
END
$$;

-- name: define
-- The gateway's names for the tables of the schema in search_path. security_invoker: the tables'
-- row-level security sees who asks, not who owns the view.
GRANT SELECT ON
    generations, images, credit_accounts, grants, ledger, purchases, users, preferences, consents,
    telegram_chats, moderation_verdicts, projection_offsets
TO pixelpop_gateway;

DROP VIEW IF EXISTS
    read.generations, read.images, read.credit_accounts, read.grants, read.ledger, read.purchases,
    read.users, read.preferences, read.consents, read.telegram_chats, read.projection_offsets,
    read.moderation_verdicts, read.provider_costs;

CREATE VIEW read.generations WITH (security_invoker = true) AS SELECT * FROM generations;

GRANT SELECT ON batches, batch_items TO pixelpop_gateway;

DROP VIEW IF EXISTS read.batches, read.batch_items;

CREATE VIEW read.batches WITH (security_invoker = true) AS SELECT * FROM batches;

CREATE VIEW read.batch_items WITH (security_invoker = true) AS SELECT * FROM batch_items;

GRANT SELECT ON read.batches, read.batch_items TO pixelpop_gateway;

CREATE VIEW read.images WITH (security_invoker = true) AS SELECT * FROM images;

CREATE VIEW read.credit_accounts WITH (security_invoker = true) AS SELECT * FROM credit_accounts;

-- use_order: soonest expiry first, promotional before purchased, older first.
CREATE VIEW read.grants WITH (security_invoker = true) AS
SELECT
    account_id, grant_id, why, origin, promotional, credits, available, expires_at_ms,
    granted_at_ms, sequence,
    row_number() OVER (
        PARTITION BY account_id
        ORDER BY expires_at_ms NULLS LAST, NOT promotional, sequence
    ) AS use_order
FROM grants;

CREATE VIEW read.ledger WITH (security_invoker = true) AS SELECT * FROM ledger;

CREATE VIEW read.purchases WITH (security_invoker = true) AS SELECT * FROM purchases;

CREATE VIEW read.users WITH (security_invoker = true) AS SELECT * FROM users;

CREATE VIEW read.preferences WITH (security_invoker = true) AS SELECT * FROM preferences;

CREATE VIEW read.consents WITH (security_invoker = true) AS SELECT * FROM consents;

CREATE VIEW read.telegram_chats WITH (security_invoker = true) AS SELECT * FROM telegram_chats;

-- Of all accounts together, so the gateway reads it by the functions below alone.
CREATE VIEW read.provider_costs WITH (security_invoker = true) AS
SELECT * FROM provider_costs;

CREATE VIEW read.moderation_verdicts WITH (security_invoker = true) AS
SELECT * FROM moderation_verdicts;

CREATE VIEW read.projection_offsets WITH (security_invoker = true) AS
SELECT projection, partition, next_offset, epoch FROM projection_offsets;

-- Whether generations exist, whoever owns them: the gateway asks about the new requests of many
-- accounts at once, each by (account, generation), before it appends them. It runs as its owner,
-- whom row-level security shows every row; it tells no more than status and body_mac.
CREATE OR REPLACE FUNCTION read.known_generations(p_accounts uuid[], p_generations uuid[])
RETURNS TABLE (account_id uuid, generation_id uuid, status text, body_mac text)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
    SELECT g.account_id, g.generation_id, g.status, g.body_mac
    FROM unnest(p_accounts, p_generations) AS asked (account_id, generation_id)
    JOIN read.generations AS g
        ON g.account_id = asked.account_id AND g.generation_id = asked.generation_id
$$;

REVOKE ALL ON FUNCTION read.known_generations(uuid[], uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.known_generations(uuid[], uuid[]) TO pixelpop_gateway;

GRANT SELECT ON
    read.generations, read.images, read.credit_accounts, read.grants, read.ledger, read.purchases,
    read.users, read.preferences, read.consents, read.telegram_chats, read.moderation_verdicts,
    read.projection_offsets
TO pixelpop_gateway;

-- For statistics: how often what was judged how, by day (UTC), stage, provider and rule, and as
-- stage `words` with the verdict `asked` how many requests there were. Of nobody in particular.
CREATE OR REPLACE FUNCTION read.moderation_statistics(p_from_ms bigint, p_until_ms bigint)
RETURNS TABLE (
    day date, stage text, provider text, verdict text, rule_id text, verdicts bigint
)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        (to_timestamp(v.at_ms / 1000.0) AT TIME ZONE 'UTC')::date,
        v.stage, v.provider, v.verdict, v.rule_id, count(*)
    FROM read.moderation_verdicts AS v
    WHERE v.at_ms >= p_from_ms AND v.at_ms < p_until_ms
    GROUP BY 1, 2, 3, 4, 5
    UNION ALL
    SELECT
        (to_timestamp(g.requested_at_ms / 1000.0) AT TIME ZONE 'UTC')::date,
        'words', 'lists', 'asked', NULL, count(*)
    FROM read.generations AS g
    WHERE g.requested_at_ms >= p_from_ms AND g.requested_at_ms < p_until_ms
    GROUP BY 1
    ORDER BY 1, 2, 3, 4, 5
$$;

REVOKE ALL ON FUNCTION read.moderation_statistics(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.moderation_statistics(bigint, bigint) TO pixelpop_gateway;

-- What providers cost, by day (UTC), provider and model: of calls whose outcome is known, and of
-- those that may have been paid as well.
CREATE OR REPLACE FUNCTION read.provider_spend(p_from_ms bigint, p_until_ms bigint)
RETURNS TABLE (
    day date, provider text, model text, results bigint, pictures bigint, cost_micros bigint,
    uncertain_calls bigint, uncertain_micros bigint
)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        (to_timestamp(c.at_ms / 1000.0) AT TIME ZONE 'UTC')::date,
        c.provider, c.model,
        count(*) FILTER (WHERE c.step NOT LIKE 'uncertain:%'),
        coalesce(sum(c.pictures), 0)::bigint,
        coalesce(sum(c.cost_micros) FILTER (WHERE c.step NOT LIKE 'uncertain:%'), 0)::bigint,
        count(*) FILTER (WHERE c.step LIKE 'uncertain:%'),
        coalesce(sum(c.cost_micros) FILTER (WHERE c.step LIKE 'uncertain:%'), 0)::bigint
    FROM read.provider_costs AS c
    WHERE c.at_ms >= p_from_ms AND c.at_ms < p_until_ms
    GROUP BY 1, 2, 3
    ORDER BY 1, 2, 3
$$;

REVOKE ALL ON FUNCTION read.provider_spend(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.provider_spend(bigint, bigint) TO pixelpop_gateway;

-- How long the last results of each model took, as a median.
CREATE OR REPLACE FUNCTION read.model_medians(p_since_ms bigint, p_results bigint)
RETURNS TABLE (model text, median_ms float8)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT last.model, percentile_cont(0.5) WITHIN GROUP (ORDER BY last.made_ms)
    FROM (
        SELECT
            c.model, c.made_ms,
            row_number() OVER (PARTITION BY c.model ORDER BY c.at_ms DESC) AS place
        FROM read.provider_costs AS c
        WHERE c.at_ms >= p_since_ms AND c.made_ms > 0
    ) AS last
    WHERE last.place <= p_results
    GROUP BY last.model
$$;

REVOKE ALL ON FUNCTION read.model_medians(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read.model_medians(bigint, bigint) TO pixelpop_gateway;
-- For the worker, which may read no table here: whether a person wants the words that a picture is
-- made from in its file. Nobody who never said so does.
CREATE OR REPLACE FUNCTION read.prompt_in_files(p_account uuid)
RETURNS boolean
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(
        (SELECT p.chosen -> 'prompt_in_files' = 'true'::jsonb
        FROM read.preferences AS p WHERE p.account_id = p_account),
        false
    )
$$;

REVOKE ALL ON FUNCTION read.prompt_in_files(uuid) FROM PUBLIC;
GRANT USAGE ON SCHEMA read TO pixelpop_worker;
GRANT EXECUTE ON FUNCTION read.prompt_in_files(uuid) TO pixelpop_worker;

-- For the eraser, which may read no table here: every account that was ever registered, and when
-- it was erased, as the log says.
CREATE OR REPLACE FUNCTION read.account_ends()
RETURNS TABLE (account_id uuid, erased_at_ms bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT u.account_id, u.erased_at_ms FROM read.users AS u
$$;

-- What became of the credits of erased accounts: settled once nothing of them is left, and how much
-- debt was written off until now. An account that the read models do not know as erased is missing.
CREATE OR REPLACE FUNCTION read.erased_balances(p_accounts uuid[])
RETURNS TABLE (account_id uuid, settled boolean, written_off bigint)
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        u.account_id,
        coalesce(c.available = 0 AND c.reserved = 0 AND c.debt = 0, true),
        coalesce(c.written_off, 0)
    FROM unnest(p_accounts) AS asked (account_id)
    JOIN read.users AS u ON u.account_id = asked.account_id AND u.erased_at_ms IS NOT NULL
    LEFT JOIN read.credit_accounts AS c ON c.account_id = asked.account_id
$$;

-- Pictures that are in the bin, by themselves or with their generation, in the order in which they
-- came there, page by page.
CREATE OR REPLACE FUNCTION read.binned_pictures(
    p_after_ms bigint, p_after uuid, p_until_ms bigint, p_limit bigint
)
RETURNS TABLE (binned_at_ms bigint, image_id uuid, object_keys text[])
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT binned.at_ms, binned.image_id, binned.object_keys
    FROM (
        SELECT
            least(i.deleted_at_ms, g.deleted_at_ms) AS at_ms, i.image_id,
            ARRAY[i.object_key, i.preview_key] || ARRAY(
                SELECT p ->> 'object_key' FROM jsonb_array_elements(i.previews::jsonb) AS p
            ) AS object_keys
        FROM read.images AS i
        JOIN read.generations AS g USING (account_id, generation_id)
        WHERE i.deleted_at_ms IS NOT NULL OR g.deleted_at_ms IS NOT NULL
    ) AS binned
    WHERE (binned.at_ms, binned.image_id) > (p_after_ms, p_after) AND binned.at_ms < p_until_ms
    ORDER BY binned.at_ms, binned.image_id
    LIMIT p_limit
$$;

-- Up to where the read models know the log.
CREATE OR REPLACE FUNCTION read.positions()
RETURNS TABLE (partition integer, next_offset bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT o.partition, o.next_offset FROM read.projection_offsets AS o
$$;

REVOKE ALL ON FUNCTION
    read.account_ends(), read.erased_balances(uuid[]),
    read.binned_pictures(bigint, uuid, bigint, bigint), read.positions()
FROM PUBLIC;
GRANT USAGE ON SCHEMA read TO pixelpop_eraser;
GRANT EXECUTE ON FUNCTION
    read.account_ends(), read.erased_balances(uuid[]),
    read.binned_pictures(bigint, uuid, bigint, bigint), read.positions()
TO pixelpop_eraser;
