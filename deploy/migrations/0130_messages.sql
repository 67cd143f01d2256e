-- What the bot writes by itself: what is to be told, how each message ended, and how fast it may go
-- depends: 0120_bot

-- migrate: apply

DO $$
BEGIN
    CREATE ROLE pixelpop_messages NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;

GRANT USAGE ON SCHEMA public TO pixelpop_messages;

-- One row for each thing that is told, for as long as it might be met in the log again and be young
-- enough to be told: that is what keeps it from being told twice. It says nothing personal, and
-- goes with the account.
CREATE TABLE bot_messages (
    -- Derived from the event that it tells of, and the part.
    message_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES identities (account_id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (length(kind) <= 50),
    -- The generation, refund or day that it is about.
    about text NOT NULL CHECK (length(about) <= 100),
    -- What else it says, as JSON.
    detail text NOT NULL CHECK (length(detail) <= 1000),
    state text NOT NULL DEFAULT 'pending' CHECK (
        state IN ('pending', 'done', 'skipped', 'failed', 'uncertain')
    ),
    -- How it ended, or how the last try did.
    outcome text CHECK (length(outcome) <= 100),
    tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    due_at timestamptz NOT NULL DEFAULT now(),
    -- Who has claimed it may go on until then, and every update of theirs names the epoch.
    lease_epoch bigint NOT NULL DEFAULT 0,
    lease_until timestamptz,
    -- Set before a call that must not be made twice, emptied when it is known to have done nothing.
    begun_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    CHECK ((state = 'pending') = (ended_at IS NULL))
);

CREATE INDEX bot_messages_due ON bot_messages (due_at) WHERE state = 'pending';
CREATE INDEX bot_messages_of_account ON bot_messages (account_id) WHERE state = 'pending';
CREATE INDEX bot_messages_by_age ON bot_messages (created_at);

-- When the next message may go to a person; while one is under way, when its claim ends.
CREATE TABLE bot_chat_pace (
    account_id uuid PRIMARY KEY REFERENCES identities (account_id) ON DELETE CASCADE,
    next_at timestamptz NOT NULL,
    -- Telegram said to wait until then.
    closed_until timestamptz NOT NULL DEFAULT '-infinity'
);

-- The same for all together, in one row.
CREATE TABLE bot_pace (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    next_at timestamptz NOT NULL DEFAULT '-infinity',
    closed_until timestamptz NOT NULL DEFAULT '-infinity',
    -- By the log's clock: what was appended before this database was made is not told, so that a
    -- log that is read into a new database tells nothing.
    from_ms bigint NOT NULL DEFAULT floor(extract(epoch FROM now()) * 1000)
);

INSERT INTO bot_pace DEFAULT VALUES;

ALTER TABLE bot_messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE bot_messages FORCE ROW LEVEL SECURITY;
ALTER TABLE bot_chat_pace ENABLE ROW LEVEL SECURITY;
ALTER TABLE bot_chat_pace FORCE ROW LEVEL SECURITY;

GRANT SELECT, DELETE,
INSERT (message_id, account_id, kind, about, detail, due_at),
UPDATE (state, outcome, tries, due_at, lease_epoch, lease_until, begun_at, ended_at)
ON bot_messages TO pixelpop_messages;
GRANT SELECT, INSERT (account_id, next_at), UPDATE (next_at, closed_until)
ON bot_chat_pace TO pixelpop_messages;
GRANT SELECT, UPDATE (next_at, closed_until) ON bot_pace TO pixelpop_messages;

-- The sender works for every account.
CREATE POLICY sender ON bot_messages TO pixelpop_messages USING (true);
CREATE POLICY sender ON bot_chat_pace TO pixelpop_messages USING (true);

-- The message to edit; what was asked in a chat is told there.
GRANT SELECT (generation_id, account_id, chat_id, message_id, language)
ON bot_status_messages TO pixelpop_messages;
CREATE POLICY sender ON bot_status_messages FOR SELECT TO pixelpop_messages USING (true);

-- Where a person is written to: the chat with the bot has the person's own id. NULL: nowhere.
CREATE FUNCTION telegram_chat_of(p_account uuid) RETURNS text
LANGUAGE sql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
    SELECT l.subject_id
    FROM identity_links AS l
    WHERE l.account_id = p_account AND l.provider = 'telegram'
    ORDER BY l.linked_at, l.link_id
    LIMIT 1
$$;

REVOKE ALL ON FUNCTION telegram_chat_of(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION telegram_chat_of(uuid) TO pixelpop_messages;

-- The rest is answered from the read models, by functions that run as the projector; late-bound, so
-- the tables may be made (anew) later. Each is asked about one account by name.

-- What of a person decides whether and how they are told; no row: the account is not known yet.
CREATE FUNCTION message_person(p_account uuid)
RETURNS TABLE (language text, notifications boolean, reachable boolean, available bigint)
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT
        coalesce(p.chosen ->> 'language', u.language),
        coalesce((p.chosen ->> 'notifications')::boolean, true),
        coalesce(t.reachable, true),
        coalesce(c.available, 0)
    FROM read.users AS u
    LEFT JOIN read.preferences AS p ON p.account_id = u.account_id
    LEFT JOIN read.telegram_chats AS t ON t.account_id = u.account_id
    LEFT JOIN read.credit_accounts AS c ON c.account_id = u.account_id
    WHERE u.account_id = p_account AND u.erased_at_ms IS NULL;
END
$$;

-- What became of a generation, and its pictures in order.
CREATE FUNCTION message_generation(p_account uuid, p_generation uuid)
RETURNS TABLE (
    status text, error_code text, captured bigint, failed_count bigint, is_deleted boolean,
    object_keys text[], preview_keys text[], sizes bigint[], widths bigint[], heights bigint[]
)
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT
        g.status, g.error_code, g.credits_captured, g.failed_count, g.deleted_at_ms IS NOT NULL,
        array_agg(i.object_key ORDER BY i.index) FILTER (WHERE i.image_id IS NOT NULL),
        array_agg(i.preview_key ORDER BY i.index) FILTER (WHERE i.image_id IS NOT NULL),
        array_agg(i.size_bytes ORDER BY i.index) FILTER (WHERE i.image_id IS NOT NULL),
        array_agg(i.width ORDER BY i.index) FILTER (WHERE i.image_id IS NOT NULL),
        array_agg(i.height ORDER BY i.index) FILTER (WHERE i.image_id IS NOT NULL)
    FROM read.generations AS g
    LEFT JOIN read.images AS i
        ON i.account_id = g.account_id
        AND i.generation_id = g.generation_id
        AND i.deleted_at_ms IS NULL
    WHERE g.account_id = p_account AND g.generation_id = p_generation
    GROUP BY g.account_id, g.generation_id, g.status, g.error_code, g.credits_captured,
        g.failed_count, g.deleted_at_ms;
END
$$;

-- Of credits that end within a time: how many are left, and when the first do.
CREATE FUNCTION message_expiring(p_account uuid, p_from_ms bigint, p_until_ms bigint)
RETURNS TABLE (credits bigint, first_ms bigint)
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT coalesce(sum(g.available), 0)::bigint, min(g.expires_at_ms)
    FROM read.grants AS g
    WHERE
        g.account_id = p_account
        AND g.available > 0
        AND g.expires_at_ms > p_from_ms
        AND g.expires_at_ms <= p_until_ms;
END
$$;

-- Whose credits end within a time, and on which day (in days since 1970, UTC), page by page.
CREATE FUNCTION message_expiries(
    p_from_ms bigint, p_until_ms bigint, p_after_account uuid, p_after_day bigint, p_limit integer
)
RETURNS TABLE (account_id uuid, day bigint)
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT g.account_id, g.expires_at_ms / 86400000
    FROM read.grants AS g
    WHERE
        g.available > 0
        AND g.expires_at_ms > p_from_ms
        AND g.expires_at_ms <= p_until_ms
        AND (g.account_id, g.expires_at_ms / 86400000) > (p_after_account, p_after_day)
    ORDER BY 1, 2
    LIMIT p_limit;
END
$$;

REVOKE ALL ON FUNCTION message_person(uuid), message_generation(uuid, uuid),
message_expiring(uuid, bigint, bigint),
message_expiries(bigint, bigint, uuid, bigint, integer)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION message_person(uuid), message_generation(uuid, uuid),
message_expiring(uuid, bigint, bigint),
message_expiries(bigint, bigint, uuid, bigint, integer)
TO pixelpop_messages;

SET LOCAL ROLE pixelpop_projector;
GRANT EXECUTE ON FUNCTION counted_decision(uuid, bigint, integer, bigint) TO pixelpop_messages;
RESET ROLE;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper, pixelpop_projector;
ALTER FUNCTION telegram_chat_of(uuid) OWNER TO pixelpop_keeper;
ALTER FUNCTION message_person(uuid) OWNER TO pixelpop_projector;
ALTER FUNCTION message_generation(uuid, uuid) OWNER TO pixelpop_projector;
ALTER FUNCTION message_expiring(uuid, bigint, bigint) OWNER TO pixelpop_projector;
ALTER FUNCTION message_expiries(bigint, bigint, uuid, bigint, integer)
OWNER TO pixelpop_projector;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper, pixelpop_projector;

-- migrate: rollback

SET LOCAL ROLE pixelpop_projector;
REVOKE EXECUTE ON FUNCTION counted_decision(uuid, bigint, integer, bigint) FROM pixelpop_messages;
RESET ROLE;
DROP FUNCTION message_expiries(bigint, bigint, uuid, bigint, integer);
DROP FUNCTION message_expiring(uuid, bigint, bigint);
DROP FUNCTION message_generation(uuid, uuid);
DROP FUNCTION message_person(uuid);
DROP FUNCTION telegram_chat_of(uuid);
DROP POLICY sender ON bot_status_messages;
REVOKE SELECT (generation_id, account_id, chat_id, message_id, language)
ON bot_status_messages FROM pixelpop_messages;
DROP TABLE bot_pace;
DROP TABLE bot_chat_pace;
DROP TABLE bot_messages;
REVOKE USAGE ON SCHEMA public FROM pixelpop_messages;
