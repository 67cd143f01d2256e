# Packs, invoices, payments and refunds: keys begin with payments-.

payments-invoice-title =
    { $credits ->
        [one] { $credits } credit
       *[other] { $credits } credits
    }
payments-invoice-once =
    { $credits ->
        [one] { $credits } credit for pictures. It does not expire.
       *[other] { $credits } credits for pictures. They do not expire.
    }
payments-invoice-monthly =
    { $credits ->
        [one] { $credits } credit
       *[other] { $credits } credits
    } for pictures now and every 30 days, good until the next are paid. End it whenever you like in Telegram's settings.

payments-refused-invoice = This invoice is not one of ours. Ask for a new one with /buy. Nothing was paid.
payments-refused-payer = This invoice was made for somebody else. Ask for your own with /buy. Nothing was paid.
payments-refused-price = The price has changed since. Ask for a new invoice with /buy. Nothing was paid.
payments-refused-blocked = This account is blocked and cannot buy. Write to /support. Nothing was paid.
payments-refused-erased = The account that this was for was erased. Send /start to make a new one. Nothing was paid.
payments-refused-now = We cannot take payments this very moment. Try again in a minute. Nothing was paid.
