-- name: medians
SELECT model, median_ms FROM read.model_medians($1, $2) ORDER BY model;

-- name: spend
SELECT day, provider, model, results, pictures, cost_micros, uncertain_calls, uncertain_micros
FROM read.provider_spend($1, $2);
