# Ответы бота и его кнопки.

bot-button-again = 🔁 Ещё раз
bot-button-vary = 🎲 Вариант
bot-button-edit = ✏️ Изменить
bot-button-share = 📤 Поделиться
bot-button-delete = 🗑 Удалить
bot-button-cancel = ✖️ Отменить
bot-button-open = 🖼 Открыть в приложении
