"""What functions about grants tell a gateway: why, of which tables, and which they change."""

from __future__ import annotations

Tables = frozenset[str]

GATEWAY: dict[str, tuple[str, Tables, Tables]] = {
    "redeem_promotion": (
        "works for the caller's account; is told that its person redeemed before, not as whom",
        frozenset({"public.promotion_redemptions", "public.identities"}),
        frozenset(),
    ),
    "note_referral": ("works for the caller's account; says nothing", frozenset(), frozenset()),
    "own_referrals": (
        "counts whom the caller's account invited; not who they are",
        frozenset(),
        frozenset(),
    ),
    **{
        name: (
            "tells the caller's account of its own; nobody else by name",
            frozenset(),
            frozenset(),
        )
        for name in ("own_invitations", "own_received_gifts", "own_redemptions")
    },
    "waiting_referrals": (
        "which accounts wait for the reward of a first picture",
        frozenset({"public.referrals"}),
        frozenset(),
    ),
    "delivered_accounts": (
        "names accounts, is told which of them were delivered a picture",
        frozenset({"read_v1.credit_accounts"}),
        frozenset(),
    ),
    "reward_referral": (
        "names an account that waits for its reward, is told whether it was decided now",
        frozenset({"public.referrals"}),
        frozenset({"public.referrals"}),
    ),
    "untold_referrals": (
        "tells the log what is left untold",
        frozenset({"public.referrals"}),
        frozenset(),
    ),
    "referral_told": (
        "names a referral that the log was told of",
        frozenset(),
        frozenset({"public.referrals"}),
    ),
    "find_gift": (
        "holds the hash of a gift's code, is told which gift of whose it is",
        frozenset({"public.gifts"}),
        frozenset(),
    ),
    "sent_gift": (
        "names giver and gift, is told what left the giver for it",
        frozenset({"read_v1.ledger"}),
        frozenset(),
    ),
    "claim_gift": (
        "holds the hash of a gift's code, receives it as the caller's account, once",
        frozenset({"public.gifts"}),
        frozenset({"public.gifts"}),
    ),
    "end_gifts": (
        "ends what nobody received in time; is told how many there were",
        frozenset({"public.gifts"}),
        frozenset({"public.gifts"}),
    ),
    "untold_gifts": (
        "tells the log what is left untold",
        frozenset({"public.gifts"}),
        frozenset(),
    ),
    "gift_told": (
        "names a gift that the log was told of",
        frozenset(),
        frozenset({"public.gifts"}),
    ),
}
"""By function."""

WITH_AN_IDENTITY = ("goodwill", "promotion_redemptions", "referral_codes", "referrals")
"""What goes, or forgets the account, with a row of `identities`."""

PROJECTOR = {
    "delivered_accounts": frozenset({"read_v1.credit_accounts"}),
    "sent_gift": frozenset({"read_v1.ledger"}),
}
"""Functions of the projector's own, and the tables that they tell of."""
