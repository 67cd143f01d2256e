-- How far the bin is emptied
-- depends: 0153_own_grants

-- migrate: apply

-- The bytes of all that was put into the bin before are gone. One row; without it, the bin is gone
-- through from its beginning, which finds nothing more to delete.
CREATE TABLE bin_cursor (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    emptied_until_ms bigint NOT NULL
);

INSERT INTO bin_cursor (emptied_until_ms) VALUES (0);

GRANT SELECT, UPDATE (emptied_until_ms) ON bin_cursor TO pixelpop_eraser;

-- migrate: rollback

DROP TABLE bin_cursor;
