"""What can go wrong with the log, by what the caller may do about it."""

from __future__ import annotations

from runtime.errors import PixelpopError, StartError


class LogError(PixelpopError):
    """Something about the log failed; the subclasses say what may be done."""

    code = "log-error"


class RecordTooLarge(LogError):
    """A record is larger than may be appended. Found before sending: nothing was sent."""

    code = "record-too-large"


class LogOverloaded(LogError):
    """The log cannot take more now: its bounded buffer is full, or the broker did not take what
    waited there in time. Nothing of this append was sent; the same call may succeed later.
    """

    code = "log-overloaded"
    retryable = True


class AppendUnknown(LogError):
    """The record was sent and no answer came in time: it may be, or may yet become, part of the
    log. Append it again with the same event id; readers drop the second.
    """

    code = "append-unknown"
    retryable = True


class AppendRefused(LogError):
    """The broker refused the record, and would again; it is not in the log."""

    code = "append-refused"


class CursorLost(LogError):
    """A cursor points outside the log: what stood there was deleted, or the log is another one.

    Nothing resets by itself, because a reader that skips records rebuilds a wrong state.
    """

    code = "cursor-lost"

    def __init__(
        self, topic: str, partition: int, offset: int, log_range: tuple[int, int] | None
    ) -> None:
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.log_range = log_range
        """The first offset in the log and the next one to be written, as of now, if known."""
        found = (
            f"the log holds offsets {log_range[0]} up to, not including, {log_range[1]}"
            if log_range
            else "the log's range could not be found out"
        )
        super().__init__(
            f"Cannot read {topic}/{partition} from offset {offset}: {found}. The cursor belongs to "
            "another log, or records were deleted; rebuild this reader's state from the log."
        )


class LogUnreadable(LogError):
    """A reader cannot go on (corrupt data, no permission, lost membership); start it anew."""

    code = "log-unreadable"
    retryable = True


class LogUnreachable(StartError):
    """No broker answered within the time that a start may take."""

    code = "log-unreachable"


class TopicMismatch(StartError):
    """A topic exists, but not as it must be; the message names what differs and what to do."""

    code = "topic-mismatch"
