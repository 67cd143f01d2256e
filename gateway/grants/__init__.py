"""Credits that nobody paid for: promotions, referrals, gifts, goodwill."""
