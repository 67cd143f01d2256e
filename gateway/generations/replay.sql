-- name: get_known
SELECT account_id, generation_id, status, body_mac
FROM read.known_generations($1::uuid[], $2::uuid[]);
