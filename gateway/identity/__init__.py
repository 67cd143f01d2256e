"""Who a person is elsewhere: proofs of outside identities, and the links to accounts."""
