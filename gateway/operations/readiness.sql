-- name: is_migrated
SELECT to_regprocedure('public.sign_in_by(text,text,bytea,uuid,bytea,text,bytea)') IS NOT NULL;

-- name: has_read_models
SELECT to_regprocedure('read.known_generations(uuid[],uuid[])') IS NOT NULL;
