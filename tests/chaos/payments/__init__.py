"""Random histories of payments: told 1 to 5 times, in any order, while gateways and deciders die.

The code that takes payments, decides on credits and reconciles is the project's own. Telegram,
Stripe, PostgreSQL and the broker are stand-ins in memory, which stop whoever asks them at every
step, so that everything that may happen between two steps happens in some history.

    python -m tests.chaos.payments --histories 10000
"""
