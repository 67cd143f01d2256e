-- What the bot tells of generations that were asked for with one command
-- depends: 0130_messages

-- migrate: apply

-- The batch of a generation; no row: it was asked for alone. `is_settled`: of the generation itself;
-- `left_open`: how many of the batch are not settled or rejected; `told_with`: the one that was
-- settled last of those that are.
CREATE FUNCTION message_batch(p_account uuid, p_generation uuid)
RETURNS TABLE (
    batch_id uuid, size bigint, is_settled boolean, left_open bigint, done bigint,
    pictures bigint, captured bigint, told_with uuid
)
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT
        i.batch_id, count(*),
        coalesce(bool_or(g.settled_at_ms IS NOT NULL)
            FILTER (WHERE g.generation_id = p_generation), false),
        count(*) FILTER (
            WHERE g.status IS DISTINCT FROM 'rejected' AND g.settled_at_ms IS NULL
        ),
        count(*) FILTER (WHERE g.status = 'done'),
        coalesce(sum(g.count - coalesce(g.failed_count, 0)) FILTER (WHERE g.status = 'done'), 0)
            ::bigint,
        coalesce(sum(g.credits_captured), 0)::bigint,
        (array_agg(g.generation_id ORDER BY g.settled_at_ms DESC, g.generation_id DESC)
            FILTER (WHERE g.settled_at_ms IS NOT NULL))[1]
    FROM read.batch_items AS mine
    JOIN read.batch_items AS i
        ON i.account_id = mine.account_id AND i.batch_id = mine.batch_id
    LEFT JOIN read.generations AS g
        ON g.account_id = i.account_id AND g.generation_id = i.generation_id
    WHERE mine.account_id = p_account AND mine.generation_id = p_generation
    GROUP BY i.batch_id;
END
$$;

REVOKE ALL ON FUNCTION message_batch(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION message_batch(uuid, uuid) TO pixelpop_messages;
GRANT CREATE ON SCHEMA public TO pixelpop_projector;
ALTER FUNCTION message_batch(uuid, uuid) OWNER TO pixelpop_projector;
REVOKE CREATE ON SCHEMA public FROM pixelpop_projector;

-- migrate: rollback

DROP FUNCTION message_batch(uuid, uuid);
