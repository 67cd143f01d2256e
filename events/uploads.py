"""Photos that people sent. Facts without effect on credits."""

from __future__ import annotations

from events.base import Fact, Natural, Small
from events.ids import UuidText


class UploadCompleted(Fact, frozen=True, kw_only=True, gc=False, tag="UploadCompleted.v1"):
    """A photo was checked and drawn anew; what was sent is gone."""

    upload_id: UuidText
    object_key: str
    content_type: str
    """Of what we drew: `image/png` or `image/webp`."""
    width: Small
    height: Small
    size_bytes: Natural
    sha256: str
    """Of its bytes, in hex."""
    scan: str
    """Whether it was looked at for malware: `clean` or `unchecked`."""
