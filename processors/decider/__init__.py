"""The decider: the only author of money and admission (design §2, §3).

`partition` is the pure heart: two layers of state and the rule that joins them. `snapshots` keeps
confirmed state, `host` drives the partitions that this process owns, `main` wires.
"""
