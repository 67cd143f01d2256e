# Пакеты, счета, оплаты и возвраты: ключи начинаются с payments-.

payments-invoice-title =
    { $credits ->
        [one] { $credits } кредит
        [few] { $credits } кредита
       *[many] { $credits } кредитов
    }
payments-invoice-once =
    { $credits ->
        [one] { $credits } кредит
        [few] { $credits } кредита
       *[many] { $credits } кредитов
    } на картинки, без срока действия.
payments-invoice-monthly =
    { $credits ->
        [one] { $credits } кредит
        [few] { $credits } кредита
       *[many] { $credits } кредитов
    } на картинки сейчас и каждые 30 дней, до следующей оплаты. Отменить можно в любой момент в настройках Telegram.

payments-refused-invoice = Этот счёт выставили не мы. Запросите новый: /buy. Деньги не списаны.
payments-refused-payer = Этот счёт выставлен другому человеку. Запросите свой: /buy. Деньги не списаны.
payments-refused-price = Цена с тех пор изменилась. Запросите новый счёт: /buy. Деньги не списаны.
payments-refused-blocked = Этот аккаунт заблокирован и не может покупать. Напишите в /support. Деньги не списаны.
payments-refused-erased = Аккаунт, для которого был счёт, удалён. Отправьте /start, чтобы создать новый. Деньги не списаны.
payments-refused-now = Прямо сейчас мы не можем принять оплату. Попробуйте через минуту. Деньги не списаны.
