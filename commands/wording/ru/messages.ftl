# Что бот пишет сам (результаты, возвраты, сроки): ключи начинаются с messages-.

messages-started = 🎨 Рисую…

messages-done =
    ✅ Готово. Потрачено { $credits ->
        [one] { $credits } кредит
        [few] { $credits } кредита
       *[many] { $credits } кредитов
    }, осталось { $left }.
messages-done-others =
    { $count ->
        [one] Следом придёт ещё { $count } картинка.
        [few] Следом придут ещё { $count } картинки.
       *[many] Следом придут ещё { $count } картинок.
    }
messages-done-missing =
    { $count ->
        [one] Не получилась { $count } картинка: за неё ничего не списано.
        [few] Не получились { $count } картинки: за них ничего не списано.
       *[many] Не получились { $count } картинок: за них ничего не списано.
    }
messages-done-no-photo = Картинка слишком велика для чата, она в приложении.
messages-ready =
    ✅ { $count ->
        [one] Готова { $count } картинка
        [few] Готовы { $count } картинки
       *[many] Готовы { $count } картинок
    }. Потрачено { $credits ->
        [one] { $credits } кредит
        [few] { $credits } кредита
       *[many] { $credits } кредитов
    }, осталось { $left }.
messages-picture = Картинка { $number } из { $count }

messages-batch-ready =
    ✅ { $count ->
        [one] Серия готова: { $count } картинка
        [few] Серия готова: { $count } картинки
       *[many] Серия готова: { $count } картинок
    }. Потрачено { $credits ->
        [one] { $credits } кредит
        [few] { $credits } кредита
       *[many] { $credits } кредитов
    }, осталось { $left }.
messages-batch-missing =
    { $count ->
        [one] По { $count } запросу ничего не получилось: за него ничего не списано.
        [few] По { $count } запросам ничего не получилось: за них ничего не списано.
       *[many] По { $count } запросам ничего не получилось: за них ничего не списано.
    }
messages-batch-failed = ⚠️ Из серии ничего не получилось. Кредиты вернулись: { $left }. Попробуйте ещё раз.

messages-cancelled = ✖️ Отменено. Ничего не списано.

messages-failed = ⚠️ Не получилось. Кредиты возвращены, у вас { $left }. Попробуйте ещё раз.
messages-failed-provider-refused =
    ⚠️ Сервис изображений отклонил этот запрос. Кредиты возвращены, у вас { $left }. Опишите иначе и попробуйте ещё раз.
messages-failed-provider-unavailable =
    ⚠️ Сервис изображений сейчас не отвечает. Кредиты возвращены, у вас { $left }. Попробуйте через несколько минут.
messages-failed-prohibited =
    🚫 Здесь такое рисовать нельзя, поэтому ничего не сделано. Кредиты вернулись: { $left }. Скажите другими словами или выберите другое фото. Если это ошибка, обжалуйте: /appeal.
messages-failed-withheld =
    🚫 На картинке получилось то, что здесь показывать нельзя, поэтому её не видно. Кредиты вернулись: { $left }. Скажите другими словами и попробуйте ещё раз. Если это ошибка, обжалуйте: /appeal.
messages-failed-moderation-unavailable =
    ⚠️ Проверка, через которую проходит каждая картинка, сейчас не отвечает. Кредиты вернулись: { $left }. Попробуйте через несколько минут.
messages-failed-photo-gone =
    ⚠️ Фото больше не хранится, поэтому ничего не сделано. Кредиты возвращены, у вас { $left }. Пришлите его ещё раз с /edit.
messages-failed-photo-refused =
    ⚠️ Сервис изображений не смог обработать это фото. Кредиты возвращены, у вас { $left }. Попробуйте другое.
messages-failed-timed-out =
    ⚠️ Это заняло слишком много времени и остановлено. Кредиты возвращены, у вас { $left }. Попробуйте ещё раз.

messages-rejected = ⚠️ Запрос не принят, ничего не списано. Попробуйте ещё раз.
messages-rejected-prohibited =
    🚫 Запрос просит о том, что здесь запрещено. Ничего не списано. Опишите иначе и попробуйте ещё раз. Если это ошибка, обжалуйте: /appeal.
messages-rejected-unavailable =
    ⚠️ Сейчас это недоступно. Ничего не списано. Выберите другое качество или размер и попробуйте ещё раз.
messages-rejected-rate-limited =
    ⏳ Слишком много запросов подряд. Ничего не списано. Попробуйте через { $seconds ->
        [one] { $seconds } секунду
        [few] { $seconds } секунды
       *[many] { $seconds } секунд
    }.
messages-rejected-insufficient-credits =
    💳 Это стоит { $credits ->
        [one] { $credits } кредит
        [few] { $credits } кредита
       *[many] { $credits } кредитов
    }, а у вас { $left }. Ничего не списано. Пополнить: /buy.
messages-rejected-timed-out = ⚠️ Не удалось начать вовремя. Ничего не списано. Попробуйте ещё раз.

messages-appeal-upheld =
    🔎 Отказ, который вы обжаловали, посмотрел человек. Отказ остаётся в силе.
messages-appeal-overturned =
    ✅ Вы были правы: об этом просить можно. Отправьте тот же запрос ещё раз, ничего не меняя.

messages-refunded =
    ↩️ Платёж вам возвращён, с баланса { $credits ->
        [one] снят { $credits } кредит
        [few] сняты { $credits } кредита
       *[many] снято { $credits } кредитов
    }: осталось { $left }.
messages-refunded-debt =
    { $debt ->
        [one] { $debt } из них уже потрачен и будет удержан
        [few] { $debt } из них уже потрачены и будут удержаны
       *[many] { $debt } из них уже потрачены и будут удержаны
    } из следующих кредитов. Вопросы: /paysupport.

messages-expiring =
    ⏳ { $credits ->
        [one] { $credits } ваш кредит сгорит
        [few] { $credits } ваших кредита сгорят
       *[many] { $credits } ваших кредитов сгорят
    } { DATETIME($at, dateStyle: "medium", timeStyle: "short", timeZone: "UTC") } UTC. Успейте потратить: /generate.
