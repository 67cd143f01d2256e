-- name: prompt_in_files
SELECT read.prompt_in_files($1);
