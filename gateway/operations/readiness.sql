-- name: is_migrated
SELECT to_regprocedure('public.sign_in(text,text,bytea,uuid,bytea,text)') IS NOT NULL;

-- name: has_read_models
SELECT to_regprocedure('read.known_generations(uuid[],uuid[])') IS NOT NULL;
