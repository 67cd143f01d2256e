-- name: note
SELECT note_provider_news($1, $2, $3, $4, $5);
