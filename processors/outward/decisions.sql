-- name: counted
-- The hash of the decision that counts at this place of the account's chain (NULL: none yet), and
-- whether the read models have seen this record of the log.
SELECT value_hash, passed FROM counted_decision($1, $2, $3, $4);
