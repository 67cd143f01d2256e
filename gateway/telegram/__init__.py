"""What Telegram tells the bot: the webhook's guard, its updates, and what each kind does."""
