-- Which process holds a claim, so that the claims of one that is known to be dead are free at once
-- depends: 0005_missing_pictures

-- migrate: apply

-- The worker process that took the claim last; every process names itself anew. Of a cancelled
-- claim NULL.
ALTER TABLE provider_calls ADD COLUMN holder uuid;

-- migrate: rollback

ALTER TABLE provider_calls DROP COLUMN holder;
