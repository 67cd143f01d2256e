"""What the bot writes by itself: results, failures, refunds, credits that end soon; each once."""
