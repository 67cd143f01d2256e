-- What a worker must know to make only the pictures that are missing
-- depends: 0004_wrapped_keys

-- migrate: apply

-- Both number pictures from 0; NULL: every picture of the request.
ALTER TABLE provider_calls
-- Which this call asked for.
ADD COLUMN asked smallint[] CHECK (cardinality(asked) BETWEEN 1 AND 100),
-- Which will be stored where the answer held fewer than were asked for, with those that were
-- stored before; written before the first picture of that answer is.
ADD COLUMN expected smallint[] CHECK (cardinality(expected) BETWEEN 1 AND 100);

-- migrate: rollback

ALTER TABLE provider_calls DROP COLUMN asked, DROP COLUMN expected;
