-- The bot: which updates were taken, what people are in the middle of, and their status messages
-- depends: 0080_telegram_accounts

-- migrate: apply

-- Updates of the kinds whose effects a second time would show: one row each while Telegram might
-- repeat them. Nothing personal.
CREATE TABLE bot_updates (
    update_id bigint PRIMARY KEY CHECK (update_id >= 0),
    done boolean NOT NULL DEFAULT false,
    -- Who works on it may do so until then; afterwards the next delivery is worked on.
    lease_until timestamptz NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX bot_updates_by_age ON bot_updates (taken_at);

GRANT SELECT, DELETE, INSERT (update_id, lease_until), UPDATE (done, lease_until)
ON bot_updates TO pixelpop_gateway;

-- What a person was asked in the private chat, and said so far.
CREATE TABLE bot_dialogues (
    account_id uuid PRIMARY KEY REFERENCES identities (account_id) ON DELETE CASCADE,
    step text NOT NULL CHECK (length(step) BETWEEN 1 AND 50),
    -- The update that began it, which its sealing is bound to.
    update_id bigint NOT NULL CHECK (update_id >= 0),
    -- Sealed with the account's key.
    said text CHECK (length(said) <= 8000),
    expires_at timestamptz NOT NULL
);

-- One status message for each generation that was asked for in a chat; whoever writes messages
-- edits it until the generation is at an end. A row is there before its request is in the log, and
-- is taken away where the request was refused and the message says so.
CREATE TABLE bot_status_messages (
    generation_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES identities (account_id) ON DELETE CASCADE,
    -- A group's id. NULL: the person's own chat with the bot, whose id is the person's: it stands
    -- in identity_links alone (telegram_chat_of).
    chat_id bigint CHECK (chat_id < 0),
    message_id bigint NOT NULL,
    -- An IETF language tag, of the person who asked.
    language text NOT NULL CHECK (length(language) BETWEEN 1 AND 35),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX bot_status_messages_by_account ON bot_status_messages (account_id, created_at);

ALTER TABLE bot_dialogues ENABLE ROW LEVEL SECURITY;
ALTER TABLE bot_dialogues FORCE ROW LEVEL SECURITY;
ALTER TABLE bot_status_messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE bot_status_messages FORCE ROW LEVEL SECURITY;

GRANT SELECT, DELETE,
INSERT (account_id, step, update_id, said, expires_at),
UPDATE (step, update_id, said, expires_at)
ON bot_dialogues TO pixelpop_gateway;
GRANT SELECT, DELETE, INSERT (generation_id, account_id, chat_id, message_id, language)
ON bot_status_messages TO pixelpop_gateway;

CREATE POLICY own_rows ON bot_dialogues
TO pixelpop_gateway
USING (account_id = app_account_id());

CREATE POLICY own_rows ON bot_status_messages
TO pixelpop_gateway
USING (account_id = app_account_id());

-- migrate: rollback

DROP TABLE bot_status_messages;
DROP TABLE bot_dialogues;
DROP TABLE bot_updates;
