"""The protocol of design §3 under attack, on the project's own fold, decision and partition.

A seeded discrete-event model of one partition: several deciders at once with arbitrary lag, crashes
in mid-batch, producer retries, appends that land late, timers, snapshots, mixed code versions,
and customers, workers and payment providers that repeat and contradict themselves. An auditor
reads along and checks every record; at the end everything must be decided, settled and agreed on.

    python -m tests.chaos.simulation --seeds 10000
"""
