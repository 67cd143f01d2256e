# Страница за ссылкой, сообщения с картинкой для других, встроенный режим: ключи начинаются с sharing-.

sharing-title = Картинка, сделанная в Pixelpop
sharing-description = Сделана по словам. Сделайте свою.
sharing-description-prompt = «{ $prompt }»
sharing-alt = Картинка, на которую ведёт эта ссылка
sharing-style = Стиль: { $style }
sharing-until = Ссылка действует до { DATETIME($date, dateStyle: "long") }.
sharing-make-yours = ✨ Сделать свою
sharing-open-link = 🖼 Открыть
sharing-gone-title = По этой ссылке ничего нет
sharing-gone = Её срок истёк, или картинку убрали. Попросите новую у того, кто её прислал.
sharing-gone-make = Сделать свою картинку
sharing-inline-start = Войдите, чтобы увидеть свои картинки
sharing-inline-empty = Сделайте первую картинку
