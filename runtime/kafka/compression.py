"""The zstd level of what this process sends.

Kafka's own producers have `compression.zstd.level` (KIP-390); aiokafka always takes 3. Our events
are mostly digits that nothing can guess (hashes, MACs, sealed texts), on which a lower level takes
less than half the time and loses nothing. aiokafka's batch builder finds the codec in its own
module, and that is where the level is put; a test notices when it does not look there any more.
"""

from __future__ import annotations

import cramjam
from aiokafka.record import default_records
from aiokafka.record._crecords import default_records as compiled

MODULES = (default_records, compiled)
"""The builder written in Python, and the same compiled."""


def use_zstd_level(level: int) -> None:
    """Compress every batch of this process so, from now on."""

    def zstd_encode(payload: bytes) -> bytes:
        return bytes(cramjam.zstd.compress(payload, level=level))

    for module in MODULES:
        module.zstd_encode = zstd_encode
