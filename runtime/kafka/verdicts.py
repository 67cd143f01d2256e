"""What an error from Kafka's client says about the batch that it hit."""

from __future__ import annotations

from enum import Enum

from aiokafka import errors


class Verdict(Enum):
    """What is known of a batch whose delivery failed."""

    REFUSED = "refused"
    """It is not in the log, and sending it again will not help."""
    OUT_OF_ORDER = "out of order"
    """It is not in the log if one before it was refused; otherwise nobody knows."""
    UNKNOWN = "unknown"
    """It may be in the log."""


_REFUSED = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.InvalidTimestampError,
    errors.PolicyViolationError,
    errors.UnsupportedForMessageFormatError,
    errors.InvalidTopicError,
    errors.TopicAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
)

_NOT_THE_CLIENT = (
    errors.KafkaTimeoutError,
    errors.UnknownTopicOrPartitionError,
    errors.TopicAuthorizationFailedError,
)


def verdict(error: BaseException) -> Verdict:
    """Judge the error that a batch, once sent, came back with."""
    if isinstance(error, _REFUSED):
        return Verdict.REFUSED
    if isinstance(error, errors.OutOfOrderSequenceNumber):
        return Verdict.OUT_OF_ORDER
    return Verdict.UNKNOWN


def client_is_broken(error: BaseException) -> bool:
    """Whether a client that would not even take a batch needs to be replaced."""
    return not isinstance(error, _NOT_THE_CLIENT)
