"""The domain-free kit: settings, Kafka, Postgres, objects, crypto, telemetry, embedded servers.

Nothing in here knows what a credit or a generation is; every other package may import it.
"""
