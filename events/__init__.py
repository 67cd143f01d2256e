"""What has happened: payloads, the envelope they travel in, and how they fold into state.

Pure: no clock, no randomness, no Kafka, no database. The decider, the projectors, the auditor and
the tests all use the same `evolve`.
"""
