"""Everything that reads the log, under one name. No reader ever falls back to another offset."""

from aiokafka.structs import ConsumerRecord, TopicPartition

from runtime.kafka.drain import Batch
from runtime.kafka.errors import CursorLost, LogUnreadable
from runtime.kafka.group_reader import GroupReader
from runtime.kafka.lookup import LogLookup, beginning_offsets, end_offsets, read_one
from runtime.kafka.partition_reader import PartitionReader

__all__ = [
    "Batch",
    "ConsumerRecord",
    "CursorLost",
    "GroupReader",
    "LogLookup",
    "LogUnreadable",
    "PartitionReader",
    "TopicPartition",
    "beginning_offsets",
    "end_offsets",
    "read_one",
]
