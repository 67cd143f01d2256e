"""The log's own kit on Kafka: append with a known outcome, read without ever resetting."""
