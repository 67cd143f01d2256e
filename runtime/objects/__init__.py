"""Object storage: the contract, S3 behind it, and a fake of it in memory."""

from runtime.objects.memory import MemoryObjects
from runtime.objects.s3 import S3Objects, open_objects
from runtime.objects.store import (
    LIST_KEYS_MAX,
    Form,
    Head,
    ObjectsRefused,
    ObjectStore,
    ObjectsUnavailable,
    ObjectTooLarge,
    Stored,
)

__all__ = [
    "LIST_KEYS_MAX",
    "Form",
    "Head",
    "MemoryObjects",
    "ObjectStore",
    "ObjectTooLarge",
    "ObjectsRefused",
    "ObjectsUnavailable",
    "S3Objects",
    "Stored",
    "open_objects",
]
