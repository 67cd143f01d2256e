-- name: destroy
SELECT destroy_identity($1);

-- name: due
-- What is to be swept: at once, and again after the longest job.
SELECT account_id, swept_at IS NULL AS first
FROM erasures
WHERE
    swept_at IS NULL
    OR (done_at IS NULL AND erased_at < now() - make_interval(secs => $1))
ORDER BY erased_at
LIMIT $2;

-- name: delete_claims
-- Claims of calls under way are left to their workers until the last sweep: without its claim, a
-- call that is delivered again would be paid again.
DELETE FROM provider_calls
WHERE account_id = $1 AND ($2 OR state IN ('reported', 'failed', 'cancelled'));

-- name: swept
UPDATE erasures SET swept_at = coalesce(swept_at, now()) WHERE account_id = $1;

-- name: done
UPDATE erasures SET done_at = coalesce(done_at, now()) WHERE account_id = $1;

-- name: count_open
SELECT count(*) FROM erasures WHERE done_at IS NULL OR settled_at IS NULL;

-- name: unsettled
SELECT account_id FROM erasures WHERE settled_at IS NULL ORDER BY erased_at LIMIT $1;

-- name: chargeable
-- Erased accounts of which something may still be charged back, page by page.
SELECT account_id
FROM erasures
WHERE settled_at IS NOT NULL AND marks <> '{}' AND account_id > $1
ORDER BY account_id
LIMIT $2;

-- name: balances
SELECT account_id, settled, written_off FROM read.erased_balances($1::uuid[]);

-- name: note_debt
-- How much more was written off than is known, and whose it is; nothing if it is no more.
UPDATE erasures AS e
SET debt_noted = $2
FROM (SELECT account_id, debt_noted FROM erasures WHERE account_id = $1 FOR UPDATE) AS old
WHERE e.account_id = old.account_id AND old.debt_noted < $2
RETURNING e.marks, $2 - old.debt_noted AS credits;

-- name: add_debt
INSERT INTO debts (debt_id, marks, credits) VALUES ($1, $2, $3) ON CONFLICT (debt_id) DO NOTHING;

-- name: owe
SELECT owe($1, $2);

-- name: settled
UPDATE erasures SET settled_at = coalesce(settled_at, now()) WHERE account_id = $1;

-- name: assign_debts
-- A debt goes to one account, once.
UPDATE debts
SET account_id = marked_account(marks)
WHERE carried_at IS NULL AND account_id IS NULL AND marked_account(marks) IS NOT NULL;

-- name: assigned_debts
SELECT debt_id, account_id, credits
FROM debts
WHERE carried_at IS NULL AND account_id IS NOT NULL
ORDER BY created_at
LIMIT $1;

-- name: carried
UPDATE debts SET carried_at = now()
WHERE debt_id = $1 AND carried_at IS NULL
RETURNING marks, credits;

-- name: forget_marks
UPDATE erasures SET marks = '{}'
WHERE marks <> '{}' AND settled_at < now() - make_interval(days => $1);

-- name: returned
-- Identities of accounts that the log says were erased so long ago.
SELECT i.account_id
FROM identities AS i
JOIN read.account_ends() AS u ON u.account_id = i.account_id
WHERE u.erased_at_ms < (extract(EPOCH FROM now()) - $1) * 1000
LIMIT $2;

-- name: cursors
SELECT partition, next_offset, hash_before FROM eraser_cursors;

-- name: advance
-- No row: the cursor is not where this process left it.
INSERT INTO eraser_cursors AS c (partition, next_offset, hash_before)
VALUES ($1, $2, $3)
ON CONFLICT (partition) DO UPDATE
SET next_offset = excluded.next_offset, hash_before = excluded.hash_before
WHERE c.next_offset = $4
RETURNING partition;

-- name: expire_uploads
-- From here on nobody can begin to use them.
UPDATE uploads SET state = 'expired'
WHERE upload_id IN (
    SELECT upload_id FROM uploads
    WHERE expires_at < now()
    ORDER BY expires_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
)
RETURNING upload_id, account_id;

-- name: delete_uploads
DELETE FROM uploads WHERE upload_id = ANY($1::uuid[]) AND state = 'expired';

-- name: unswept_uploads
-- Their forms are over: what was put there since they were looked at can go for good.
SELECT upload_id, account_id
FROM uploads
WHERE NOT swept AND state IN ('ready', 'refused') AND form_until < now() - interval '1 minute'
ORDER BY form_until
LIMIT $1;

-- name: swept_uploads
UPDATE uploads SET swept = true WHERE upload_id = ANY($1::uuid[]);

-- name: bin_emptied_until
SELECT emptied_until_ms FROM bin_cursor;

-- name: bin_is_emptied_until
UPDATE bin_cursor SET emptied_until_ms = greatest(emptied_until_ms, $1);

-- name: binned
SELECT binned_at_ms, image_id, object_keys FROM read.binned_pictures($1, $2, $3, $4);

-- name: read_until
SELECT partition, next_offset FROM read.positions();
