"""What Telegram says of Stars: every transaction of the bot, in pages.

https://core.telegram.org/bots/api#getstartransactions: in chronological order; a refund has the id
of the payment that it refunds. That a store took Stars back is told nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from events.ids import derive
from projections.audit.rows import CHARGED_BACK, FOREIGN, Row, Said, of_row
from runtime.telegram import bot_api
from runtime.telegram.api import TelegramBot

PROVIDER: Final = "stars"
CURRENCY: Final = "XTR"
PAGE: Final = 100
"""The most that Telegram lists at once."""
TRANSACTIONS_MAX: Final = 10_000_000
INVOICE: Final = "invoice_payment"


async def ask(bot: TelegramBot, progress: Callable[[int], None]) -> Said:
    """All that Telegram says.

    Args:
        bot: whose Stars.
        progress: is told how many transactions were read so far.

    Raises:
        PixelpopError: of `runtime.telegram.errors`: what came is not all.
    """
    said = Said(provider=PROVIDER, rows=[], differences=[])
    paid: set[str] = set()
    for offset in range(0, TRANSACTIONS_MAX, PAGE):
        page = await bot.call(bot_api.methods.GetStarTransactions(offset=offset, limit=PAGE))
        for one in page.transactions:
            _take(said, one, paid)
        progress(offset + len(page.transactions))
        if len(page.transactions) < PAGE:
            break
    return said


def _take(said: Said, one: bot_api.types.StarTransaction, paid: set[str]) -> None:
    source = one.source
    if source is not None:
        if not isinstance(source, bot_api.types.TransactionPartnerUser):
            said.others += 1  # e.g. a withdrawal that came back
        elif source.transaction_type != INVOICE:
            said.differences.append(of_row(_row(one, "purchase"), FOREIGN))
        else:
            paid.add(one.id)
            period_ms = (source.subscription_period or 0) * 1000
            said.rows.append(
                _row(
                    one,
                    "purchase",
                    payer_id=source.user.id,
                    payload=source.invoice_payload,
                    ends_at_ms=_at_ms(one) + period_ms if period_ms else 0,
                )
            )
    elif one.id in paid:
        said.rows.append(_row(one, "refund"))
    else:
        said.others += 1  # a withdrawal, an advertisement, a gift of the bot's


def _row(one: bot_api.types.StarTransaction, step: str, **more: object) -> Row:
    return Row(
        provider=PROVIDER,
        purchase_id=derive("purchase", PROVIDER, one.id),
        step="purchase" if step == "purchase" else "refund",
        amount=one.amount,
        currency=CURRENCY,
        reference=one.id,
        at_ms=_at_ms(one),
        # A refund of ours is told by an update as well, and so is in the ledger.
        kind=CHARGED_BACK,
        **more,  # type: ignore[arg-type]  # of the caller's, by name
    )


def _at_ms(one: bot_api.types.StarTransaction) -> int:
    return int(one.date.timestamp() * 1000)
