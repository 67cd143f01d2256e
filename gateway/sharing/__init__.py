"""Pictures shown to others: links that end, the page behind them, and messages for Telegram."""
