-- Photos that people send
-- depends: 0120_bot

-- migrate: apply

-- One row from the form that was handed out until the photo is removed. What was sent lies under
-- incoming/, where its sender may write for a while, and goes once it was looked at; what we drew of
-- it lies under uploads/, where nobody but us writes. An erasure destroys the row in identities and
-- with it all of these.
CREATE TABLE uploads (
    upload_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES identities (account_id) ON DELETE CASCADE,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'ready', 'refused', 'expired')),
    -- What was announced.
    content_type text NOT NULL,
    size_bytes bigint NOT NULL CHECK (size_bytes > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    -- So long it can be sent (again).
    form_until timestamptz NOT NULL,
    -- Then it is removed; moved on by each use.
    expires_at timestamptz NOT NULL,
    -- Why it was refused.
    reason text,
    detail text,
    -- What we drew of it.
    object_key text,
    clean_type text,
    clean_bytes bigint,
    width integer,
    height integer,
    has_alpha boolean,
    sha256 text,
    -- Whether it was looked at for malware: clean or unchecked.
    scan text,
    completed_at timestamptz,
    -- Whether the log has it.
    told boolean NOT NULL DEFAULT false,
    -- Whether what was sent was removed again after the form had ended.
    swept boolean NOT NULL DEFAULT false,
    CHECK ((state = 'ready') <= (
        object_key IS NOT NULL AND clean_type IS NOT NULL AND clean_bytes IS NOT NULL
        AND width IS NOT NULL AND height IS NOT NULL AND has_alpha IS NOT NULL
        AND sha256 IS NOT NULL AND scan IS NOT NULL AND completed_at IS NOT NULL
    )),
    CHECK ((state = 'refused') <= (reason IS NOT NULL AND detail IS NOT NULL))
);

CREATE INDEX uploads_by_account ON uploads (account_id, created_at);
CREATE INDEX uploads_by_end ON uploads (expires_at);
CREATE INDEX uploads_unswept ON uploads (form_until) WHERE NOT swept;

ALTER TABLE uploads ENABLE ROW LEVEL SECURITY;
ALTER TABLE uploads FORCE ROW LEVEL SECURITY;

GRANT
SELECT,
INSERT (upload_id, account_id, content_type, size_bytes, form_until, expires_at),
UPDATE (
    state, expires_at, reason, detail, object_key, clean_type, clean_bytes, width, height,
    has_alpha, sha256, scan, completed_at, told
)
ON uploads TO pixelpop_gateway;
GRANT SELECT (upload_id, account_id, state, form_until, expires_at, swept),
UPDATE (state, swept), DELETE ON uploads TO pixelpop_eraser;

CREATE POLICY own_rows ON uploads
TO pixelpop_gateway
USING (account_id = app_account_id());

CREATE POLICY eraser ON uploads TO pixelpop_eraser USING (true);

-- migrate: rollback

DROP TABLE uploads;
