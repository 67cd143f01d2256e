# What the bot answers, and its buttons.

bot-button-again = 🔁 Again
bot-button-vary = 🎲 Vary
bot-button-edit = ✏️ Edit
bot-button-share = 📤 Share
bot-button-delete = 🗑 Delete
bot-button-cancel = ✖️ Cancel
bot-button-open = 🖼 Open in the app
