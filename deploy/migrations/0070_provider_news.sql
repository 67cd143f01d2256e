-- What providers tell by webhook: that a call has news, and nothing of what they are
-- depends: 0061_least_privilege

-- migrate: apply

-- One row for each genuine message about a call that was under way; a message that is sent again
-- finds its row. It goes with its claim.
CREATE TABLE provider_news (
    provider text NOT NULL CHECK (length(provider) <= 100),
    message_id text NOT NULL CHECK (length(message_id) <= 256),
    generation_id uuid NOT NULL,
    attempt integer NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (provider, message_id),
    FOREIGN KEY (generation_id, attempt) REFERENCES provider_calls ON DELETE CASCADE
);

CREATE INDEX provider_news_by_call ON provider_news (generation_id, attempt);

ALTER TABLE provider_news ENABLE ROW LEVEL SECURITY;
ALTER TABLE provider_news FORCE ROW LEVEL SECURITY;

-- A worker asks of which calls there is news.
GRANT SELECT (generation_id, attempt) ON provider_news TO pixelpop_worker;
CREATE POLICY worker ON provider_news FOR SELECT TO pixelpop_worker USING (true);

GRANT SELECT (generation_id, attempt, state, provider, provider_ref)
ON provider_calls TO pixelpop_keeper;
GRANT SELECT, INSERT (provider, message_id, generation_id, attempt)
ON provider_news TO pixelpop_keeper;
CREATE POLICY keeper_reads ON provider_calls FOR SELECT TO pixelpop_keeper USING (true);
CREATE POLICY keeper ON provider_news TO pixelpop_keeper USING (true);

-- Keep that a message came about a call; answers whether that call is the one it was about. All a
-- gateway learns of a claim is this.
CREATE FUNCTION note_provider_news(
    p_provider text, p_generation uuid, p_attempt integer, p_ref text, p_message text
)
RETURNS boolean
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    known_state text;
BEGIN
    SELECT c.state INTO known_state
    FROM provider_calls AS c
    WHERE
        c.generation_id = p_generation
        AND c.attempt = p_attempt
        AND c.provider = p_provider
        AND c.provider_ref = p_ref;
    IF known_state = 'submitted' THEN
        INSERT INTO provider_news (provider, message_id, generation_id, attempt)
        VALUES (p_provider, p_message, p_generation, p_attempt)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN known_state IS NOT NULL;
END
$$;

REVOKE ALL ON FUNCTION note_provider_news(text, uuid, integer, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION note_provider_news(text, uuid, integer, text, text) TO pixelpop_gateway;

-- A role must be allowed to make things in a schema to be given one.
GRANT CREATE ON SCHEMA public TO pixelpop_keeper;
ALTER FUNCTION note_provider_news(text, uuid, integer, text, text) OWNER TO pixelpop_keeper;
REVOKE CREATE ON SCHEMA public FROM pixelpop_keeper;

-- migrate: rollback

DROP FUNCTION note_provider_news(text, uuid, integer, text, text);
DROP POLICY keeper_reads ON provider_calls;
REVOKE SELECT (generation_id, attempt, state, provider, provider_ref)
ON provider_calls FROM pixelpop_keeper;
DROP TABLE provider_news;
