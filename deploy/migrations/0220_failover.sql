-- What earlier attempts of a generation cost, and which providers were asked in vain
-- depends: 0006_claim_holders

-- migrate: apply

ALTER TABLE provider_calls
-- What attempts before this one cost for certain, in millionths of a US dollar.
ADD COLUMN paid_micros bigint NOT NULL DEFAULT 0 CHECK (paid_micros >= 0),
-- Providers that surely did nothing for this generation, in the order of their asking; `provider`
-- is the one that was asked after them.
ADD COLUMN tried text[] NOT NULL DEFAULT '{}' CHECK (cardinality(tried) <= 16);

GRANT UPDATE (provider, tried) ON provider_calls TO pixelpop_worker;

-- migrate: rollback

REVOKE UPDATE (provider, tried) ON provider_calls FROM pixelpop_worker;

ALTER TABLE provider_calls DROP COLUMN paid_micros, DROP COLUMN tried;
