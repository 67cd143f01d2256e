"""A strict double of the Telegram Bot API (version 10.3), as a real HTTP server.

    async with Telegram() as telegram:
        bot = …(api_base=telegram.base_url, token=telegram.token)
        anna = telegram.person("Anna", language="ru")
        anna.starts()
        charge = await anna.pays(link)
        telegram.assert_clean()

What it refuses is worded as the reference (core.telegram.org/bots/api) and the code of the real
server (tdlib/telegram-bot-api, `Client.cpp`) word it; each module's docstring names its sources.
Where neither says, the docstring says that too. `rules` sets limits and times, `updates.delivery`
how webhooks are treated, `faults` what goes wrong next, `clock.forward` moves the time on.
"""

from tests.fakes.telegram.arguments import Refused
from tests.fakes.telegram.people import NotPaid, Person
from tests.fakes.telegram.server import Call, Telegram
from tests.fakes.telegram.state import TOKEN, Charge, Rules

__all__ = ["TOKEN", "Call", "Charge", "NotPaid", "Person", "Refused", "Rules", "Telegram"]
