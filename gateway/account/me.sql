-- name: get_me
SELECT u.display_name, u.language, u.registered_at_ms, p.chosen::text AS chosen
FROM read.users AS u
LEFT JOIN read.preferences AS p ON p.account_id = u.account_id
WHERE u.account_id = $1;

-- name: get_consents
SELECT purpose, version, given_at_ms, withdrawn_at_ms
FROM read.consents
WHERE account_id = $1
ORDER BY purpose
LIMIT 100;

-- name: get_chat
SELECT reachable, changed_at_ms FROM read.telegram_chats WHERE account_id = $1;

-- name: get_identity
-- Telegram's, where the account has several.
SELECT provider, subject_id
FROM identity_links
WHERE account_id = $1
ORDER BY provider = 'telegram' DESC, linked_at
LIMIT 1;
