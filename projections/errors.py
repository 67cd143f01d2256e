"""What can go wrong with a projection, by what a person or the supervisor may do about it."""

from __future__ import annotations

from runtime.errors import PixelpopError, StartError


class OwnershipLost(PixelpopError):
    """Another projector owns these partitions now; what this one has folded must not be written.

    Joining again is safe: whoever claims a partition next goes on from the stored cursor.
    """

    code = "projection-ownership-lost"
    retryable = True


class CursorMismatch(StartError):
    """A stored cursor does not match the log: the tables were filled from another log, or by
    another fold. Nothing resets by itself; a person has to choose.
    """

    code = "cursor-mismatch"


class SchemaMismatch(StartError):
    """No read schema was made by this version of the code; the message says what to run."""

    code = "projection-schema-mismatch"


class RebuildRefused(PixelpopError):
    """A rebuild cannot go on; the message says why and what to do."""

    code = "rebuild-refused"


class RowsDiffer(PixelpopError):
    """A rebuilt schema differs from the serving one at equal offsets; it was not swapped in."""

    code = "projection-rows-differ"
