-- name: get_offsets
-- Where the serving read models are, by partition; the slowest one counts.
SELECT partition, min(next_offset) AS next_offset
FROM read.projection_offsets
GROUP BY partition;
