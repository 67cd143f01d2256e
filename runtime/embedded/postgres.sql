-- name: database_exists
SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'pixelpop');

-- name: create_database
CREATE DATABASE pixelpop;
