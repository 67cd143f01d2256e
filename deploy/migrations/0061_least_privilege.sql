-- Every role's rights, column by column: what its statements name and nothing else
-- depends: 0020_access 0031_exports 0040_webhooks 0050_key_rotation 0060_worker_shares

-- migrate: apply

-- Whose key it is, and the key: a worker works for one account at a time.
REVOKE SELECT ON identities FROM pixelpop_worker;
GRANT SELECT (account_id, wrapped_key) ON identities TO pixelpop_worker;

-- A gateway is told keys by the functions that answer about named accounts.
REVOKE SELECT ON identities FROM pixelpop_gateway;
GRANT SELECT (account_id, registered_at, created_at) ON identities TO pixelpop_gateway;

-- Whose claim it is, of what, and what was asked for does not change.
REVOKE UPDATE ON provider_calls FROM pixelpop_worker;
GRANT UPDATE (state, lease_epoch, lease_until, provider_ref, expected, result, holder)
ON provider_calls TO pixelpop_worker;

-- A gateway asks whether there is a claim, and cancels; a provider's answer is not its business.
REVOKE SELECT, INSERT ON provider_calls FROM pixelpop_gateway;
GRANT SELECT (generation_id, attempt, account_id, state) ON provider_calls TO pixelpop_gateway;
GRANT INSERT (generation_id, attempt, account_id, state) ON provider_calls TO pixelpop_gateway;

-- The eraser knows whose claims it deletes and which are at an end, not what was made.
REVOKE SELECT ON provider_calls FROM pixelpop_eraser;
GRANT SELECT (account_id, state) ON provider_calls TO pixelpop_eraser;

REVOKE UPDATE ON erasures FROM pixelpop_eraser;
GRANT UPDATE (marks, swept_at, done_at, settled_at, debt_noted) ON erasures TO pixelpop_eraser;

REVOKE INSERT, UPDATE ON debts FROM pixelpop_eraser;
GRANT INSERT (debt_id, marks, credits), UPDATE (account_id, carried_at) ON debts
TO pixelpop_eraser;

-- Where to send and what opens the secrets; not what its owner notes of it.
REVOKE SELECT ON webhook_endpoints FROM pixelpop_webhooks;
GRANT SELECT (
    endpoint_id, account_id, url, event_types, enabled, secret_number, secret, old_secret,
    old_secret_until, from_ms
) ON webhook_endpoints TO pixelpop_webhooks;

-- What was planned is sent as it was planned.
REVOKE INSERT, UPDATE ON webhook_deliveries FROM pixelpop_webhooks;
GRANT INSERT (delivery_id, endpoint_id, account_id, event_id, event_type, payload),
UPDATE (state, attempts, tries, due_at, lease_epoch, lease_until, ended_at)
ON webhook_deliveries TO pixelpop_webhooks;

REVOKE INSERT ON webhook_deliveries FROM pixelpop_gateway;
GRANT INSERT (delivery_id, endpoint_id, account_id, event_id, event_type, payload)
ON webhook_deliveries TO pixelpop_gateway;

REVOKE SELECT, INSERT, UPDATE ON webhook_attempts FROM pixelpop_webhooks;
GRANT SELECT (delivery_id, attempt, ended_at), INSERT (delivery_id, attempt, account_id),
UPDATE (ended_at, outcome, status)
ON webhook_attempts TO pixelpop_webhooks;

-- An endpoint stays the account's that made it.
REVOKE INSERT, UPDATE ON webhook_endpoints FROM pixelpop_gateway;
GRANT INSERT (endpoint_id, account_id, url, description, event_types, secret, from_ms),
UPDATE (
    url, description, event_types, enabled, disabled_reason, secret_number, secret, old_secret,
    old_secret_until, from_ms
) ON webhook_endpoints TO pixelpop_gateway;

-- migrate: rollback

REVOKE INSERT, UPDATE ON webhook_endpoints FROM pixelpop_gateway;
GRANT INSERT, UPDATE ON webhook_endpoints TO pixelpop_gateway;
REVOKE SELECT, INSERT, UPDATE ON webhook_attempts FROM pixelpop_webhooks;
GRANT SELECT, INSERT, UPDATE ON webhook_attempts TO pixelpop_webhooks;
REVOKE INSERT ON webhook_deliveries FROM pixelpop_gateway;
GRANT INSERT ON webhook_deliveries TO pixelpop_gateway;
REVOKE INSERT, UPDATE ON webhook_deliveries FROM pixelpop_webhooks;
GRANT INSERT, UPDATE ON webhook_deliveries TO pixelpop_webhooks;
REVOKE SELECT ON webhook_endpoints FROM pixelpop_webhooks;
GRANT SELECT ON webhook_endpoints TO pixelpop_webhooks;
REVOKE INSERT, UPDATE ON debts FROM pixelpop_eraser;
GRANT INSERT, UPDATE ON debts TO pixelpop_eraser;
REVOKE UPDATE ON erasures FROM pixelpop_eraser;
GRANT UPDATE ON erasures TO pixelpop_eraser;
REVOKE SELECT ON provider_calls FROM pixelpop_eraser;
GRANT SELECT ON provider_calls TO pixelpop_eraser;
REVOKE SELECT, INSERT ON provider_calls FROM pixelpop_gateway;
GRANT SELECT, INSERT ON provider_calls TO pixelpop_gateway;
REVOKE UPDATE ON provider_calls FROM pixelpop_worker;
GRANT UPDATE ON provider_calls TO pixelpop_worker;
REVOKE SELECT ON identities FROM pixelpop_gateway;
GRANT SELECT ON identities TO pixelpop_gateway;
REVOKE SELECT ON identities FROM pixelpop_worker;
GRANT SELECT ON identities TO pixelpop_worker;
