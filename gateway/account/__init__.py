"""The account itself: profile, choices, consent, export and erasure."""
