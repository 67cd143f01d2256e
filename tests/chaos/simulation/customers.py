"""People, workers and payment providers: they repeat, contradict, come late and leave."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from events import ids
from events.accounts import AccountErased, UserRegistered
from events.base import Sealed
from events.codec import encode
from events.generations import (
    GenerationCancelled,
    GenerationCompleted,
    GenerationFailed,
    GenerationRequested,
    GenerationStarted,
    Image,
    Moderation,
)
from events.gifts import GiftClaimed, GiftOffered, GiftSent, GiftTaken, GiftUnclaimed
from events.grants import GoodwillGiven, PromotionRedeemed
from events.ids import AccountId, GenerationId, SourceId
from events.moderation import AppealOverturned
from events.purchases import CreditsPurchased, PurchaseRefunded
from tests.chaos.simulation.broker import Broker, Unsent, unsent
from tests.chaos.simulation.deciders import Jobs
from tests.chaos.simulation.several import asked, names_of, of_some_kind
from tests.chaos.simulation.versions import UNREADABLE_PACK

_SECOND = 1_000
_MINUTE = 60 * _SECOND
_ALLOWED_SHARE = 0.03
_ALLOWED = "aa"
"""The `body_mac` of requests that an appeal allows, sooner or later."""
_HOUR = 60 * _MINUTE
_RESULT_DELAYS_MS = (0, _SECOND, 10 * _SECOND, 30 * _SECOND, 4 * _MINUTE, 12 * _MINUTE)


class Customers:
    """All that happens to a handful of accounts."""

    def __init__(self, random: Random, broker: Broker, jobs: Jobs) -> None:
        self._random = random
        self._broker = broker
        self._jobs = jobs
        count = random.randint(1, 3)
        self.accounts = [
            AccountId(ids.derive("simulated-account", str(random.getrandbits(64))))
            for _ in range(count)
        ]
        self._aside = Random(self.accounts[0])
        self._told: list[Unsent] = []
        self.sent_gifts: Mapping[str, GiftSent] = {}
        """The gifts that were sent, as the read models know them; set by who runs this."""
        self._results: list[tuple[int, Any]] = []
        self._requested: list[tuple[AccountId, GenerationId]] = []
        self._purchases: list[tuple[AccountId, SourceId]] = []
        self._gifts: list[tuple[AccountId, str]] = []
        self._names = 0
        self._erasures = 2 if random.random() < 0.2 else 0

    def act(self) -> None:
        """One thing happens."""
        acts = (
            (self._ask, 30),
            (self._buy, 14),
            (self._repeat, 12),
            (self._refund, 6),
            (self._award, 4),
            (self._offer, 6),
            (self._end_gift, 6),
            (self._register, 5),
            (self._cancel, 4),
            (self._contradict, 4),
            (self._garble, 2),
            (self._erase, self._erasures),
        )
        act = self._random.choices([one for one, _ in acts], [weight for _, weight in acts])[0]
        act(self._random.choice(self.accounts))

    def work(self) -> None:
        """Workers take jobs and, some time later, tell what came of them."""
        for generation_id, job in list(self._jobs.waiting.items()):
            if self._random.random() < 0.5:
                del self._jobs.waiting[generation_id]
                at_ms = self._broker.now_ms + self._random.choice(_RESULT_DELAYS_MS)
                event = self._result(job.account_id, GenerationId(generation_id))
                self._results.append((at_ms, event))
        for due in [one for one in self._results if one[0] <= self._broker.now_ms]:
            self._results.remove(due)
            self._tell(due[1])

    def quiet(self) -> None:
        """Nobody does anything any more; of what workers still know, some is never told."""
        for generation_id, job in self._jobs.waiting.items():
            event = self._result(job.account_id, GenerationId(generation_id))
            self._results.append((self._broker.now_ms, event))
        for _, event in self._results:
            if self._random.random() < 0.7:
                self._tell(event)
        self._results.clear()
        self._jobs.waiting.clear()

    def _tell(self, event: Any) -> None:
        fact = unsent(event, encode(event))
        self._told.append(fact)
        self._broker.append(fact)

    def _now(self, account: AccountId) -> dict[str, Any]:
        return {"account_id": account, "occurred_at_ms": self._broker.now_ms}

    def _name(self) -> str:
        self._names += 1
        return str(self._names)

    def _ends(self) -> int | None:
        if self._random.random() < 0.5:
            return None
        return self._broker.now_ms + self._random.choice((-1, _SECOND, 5 * _MINUTE, _HOUR))

    def _register(self, account: AccountId) -> None:
        credits_given = self._random.randint(0, 5)
        self._tell(
            UserRegistered(
                **self._now(account),
                welcome_credits=credits_given,
                welcome_expires_at_ms=self._ends(),
            )
        )

    def _buy(self, account: AccountId) -> None:
        purchase = SourceId(ids.derive("simulated-purchase", account, self._name()))
        self._purchases.append((account, purchase))
        event = CreditsPurchased(
            **self._now(account),
            purchase_id=purchase,
            provider=self._random.choice(("stars", "stripe")),
            pack_id=UNREADABLE_PACK if self._random.random() < 0.03 else "starter",
            credits=self._random.choice((0, 1, 3, 8, 20)),
            amount=1,
            currency="XTR",
            expires_at_ms=self._ends(),
        )
        if self._random.random() < 0.15:  # the refund overtakes its purchase
            self._tell(self._refund_of(account, purchase))
        self._tell(event)

    def _award(self, account: AccountId) -> None:
        """A promotion, or an admin's goodwill."""
        known: dict[str, Any] = {
            **self._now(account),
            "source_id": SourceId(ids.derive("simulated-award", account, self._name())),
            "credits": self._random.choice((0, 1, 5)),
            "expires_at_ms": self._ends(),
        }
        if self._random.random() < 0.5:
            self._tell(PromotionRedeemed(**known, promotion_id=ids.derive("promotion")))
        else:
            self._tell(GoodwillGiven(**known, actor=account, reason=Sealed("v1.c2VhbGVk")))

    def _offer(self, account: AccountId) -> None:
        gift = ids.derive("simulated-gift", account, self._name())
        self._gifts.append((account, gift))
        count = self._random.choice((1, 2, 5, 40))
        self._tell(GiftOffered(**self._now(account), gift_id=gift, credits=count))

    def _end_gift(self, receiver: AccountId) -> None:
        """Nobody takes a gift, or one does: as PostgreSQL would, one of the two, once."""
        if not self._gifts:
            return
        giver, gift = self._gifts.pop(self._random.randrange(len(self._gifts)))
        sent = self._sent_gift(gift)
        if sent is None or receiver == giver or self._random.random() < 0.5:
            self._tell(GiftUnclaimed(**self._now(giver), gift_id=gift, reason="expired"))
            return
        self._tell(GiftClaimed(**self._now(receiver), gift_id=gift, parts=sent.parts))
        self._tell(GiftTaken(**self._now(giver), gift_id=gift))

    def _sent_gift(self, gift: str) -> GiftSent | None:
        """The decision that counted, as the read models know it: here, by the faithful reader."""
        return self.sent_gifts.get(gift)

    def _refund(self, _: AccountId) -> None:
        if self._purchases:
            self._tell(self._refund_of(*self._random.choice(self._purchases)))

    def _refund_of(self, account: AccountId, purchase: SourceId) -> PurchaseRefunded:
        return PurchaseRefunded(
            **self._now(account),
            purchase_id=purchase,
            refund_id=self._name(),
            reason=self._random.choice(("refund", "chargeback")),
        )

    def _ask(self, account: AccountId) -> None:
        """One request, or a burst of them."""
        for _ in range(self._random.choice((1, 1, 1, 1, 6))):
            self._ask_once(account)

    def _ask_once(self, account: AccountId) -> None:
        name = self._name()
        generation = ids.generation_id(account, name)
        if self._aside.random() < _ALLOWED_SHARE:
            self._allow(account)
        off_ms = self._random.choice((0,) * 12 + (-200, -30 * _MINUTE, -2 * _HOUR, 2 * _HOUR))
        prohibited = Moderation("rule", "1") if self._random.random() < 0.05 else None
        request = GenerationRequested(
            account_id=account,
            occurred_at_ms=self._broker.now_ms + off_ms,
            generation_id=generation,
            kind="image",
            prompt=Sealed("v1.c2VhbGVk"),
            style_id="none",
            size="1024x1024",
            count=self._random.choice((1, 1, 1, 2, 2, 3, 4)),
            seed=1,
            model="imaginary" if self._random.random() < 0.03 else "preview",
            quality="standard",
            body_mac=self._aside.choice(("", _ALLOWED)),
            prohibited=prohibited,
        )
        event = asked(of_some_kind(request))
        self._requested.extend((account, one) for one in names_of(event))
        self._tell(event)

    def _allow(self, account: AccountId) -> None:
        """An admin overturns a refusal: what is asked again with this body is admitted."""
        appeal = ids.derive("simulated-appeal", account, self._name())
        self._tell(
            AppealOverturned(
                **self._now(account),
                actor=account,
                generation_id=ids.generation_id(account, "refused"),
                appeal_id=appeal,
                body_mac=_ALLOWED,
            )
        )

    def _result(self, account: AccountId, generation: GenerationId) -> Any:
        known: dict[str, Any] = {**self._now(account), "generation_id": generation}
        if self._random.random() < 0.2:
            return GenerationFailed(**known, reason="provider_unavailable", detail="No answer.")
        images = tuple(
            Image(
                image_id=ids.image_id(generation, index),
                index=index,
                object_key="",
                preview_key="",
                width=1,
                height=1,
                content_type="image/png",
                size_bytes=1,
                sha256="",
            )
            for index in range(self._random.choice((0, 1, 1, 2, 2, 3, 4)))
        )
        return GenerationCompleted(**known, images=images, provider="local", model="preview")

    def _contradict(self, _: AccountId) -> None:
        """Another result for a generation, whatever became of it."""
        if self._requested:
            self._tell(self._result(*self._random.choice(self._requested)))

    def _cancel(self, _: AccountId) -> None:
        if self._requested:
            account, generation = self._random.choice(self._requested)
            self._tell(GenerationCancelled(**self._now(account), generation_id=generation))

    def _repeat(self, _: AccountId) -> None:
        """A producer, a webhook or a person says the same thing again."""
        if self._told:
            self._broker.append(self._random.choice(self._told[-30:]))

    def _garble(self, account: AccountId) -> None:
        """A record that is no event, or that stands under a foreign key."""
        event = GenerationStarted(
            **self._now(account),
            generation_id=ids.generation_id(account, "garbled"),
            attempt=1,
            provider="local",
        )
        good = unsent(event, encode(event))
        other = ids.derive("nobody").encode()
        fact = ("ce_class", b"fact")
        self._broker.append(
            self._random.choice(
                (
                    good,
                    Unsent(good.key, b"{", (fact,)),
                    Unsent(good.key, b'{"type":"New.v1"}', (fact,)),
                    Unsent(other, good.value, good.headers[2:]),
                )
            )
        )

    def _erase(self, account: AccountId) -> None:
        self._tell(AccountErased(**self._now(account), reason="user"))
