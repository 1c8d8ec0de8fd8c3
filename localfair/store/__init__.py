"""The record: one SQLite file that every stage reads and writes, and nothing else passes between them."""

from localfair.store.connection import exists, now
from localfair.store.store import Row, Store
from localfair.store.verify import file_sha256, verify

__all__ = ["Row", "Store", "exists", "file_sha256", "now", "verify"]
