-- name: take
SELECT purchase_id, account_id, pack_id, credits, amount, currency, is_appended, is_refund_appended
FROM take_payments($1, $2, $3, $4, $5, $6, $7);

-- name: find
SELECT purchase_id, account_id, pack_id, credits, amount, currency, is_appended, is_refund_appended
FROM find_payments($1);

-- name: note
SELECT note_payments_appended($1, $2);
