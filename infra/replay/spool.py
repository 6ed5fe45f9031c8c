"""The records of many objects in the order of the stream, on disk: an outage may hold millions.

A private temporary database of SQLite's, gone with the process; in memory are a few pages of it.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from infra.events.stream_record import item_key
from infra.replay.stream_record import Record, identity, place

# Nothing is rolled back, and nobody reads the file once this process has ended.
_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE records (
    identity BLOB PRIMARY KEY, is_placeless INT, digits INT, number TEXT, item TEXT, body TEXT
);
CREATE TABLE owners (
    identity BLOB, object TEXT, is_done INT DEFAULT 0, PRIMARY KEY (identity, object)
) WITHOUT ROWID;
CREATE INDEX by_place ON records (is_placeless, digits, number, identity);
CREATE INDEX by_object ON owners (object, is_done);
"""


class Spool:
    """Records, and which objects hold them. The same record of two objects is there once."""

    def __init__(self) -> None:
        # No name: on disk, in a file that nobody else can open (SQLite, "In-Memory Databases").
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(_TABLES)

    def close(self) -> None:
        """Frees the disk."""
        self._database.close()

    def add(self, key: str, records: Iterable[Record]) -> None:
        """The records of one object."""
        for record in records:
            is_placeless, number = place(record)
            itself, digits = identity(record), str(number)
            self._database.execute(
                "INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?, ?, ?)",
                (itself, is_placeless, len(digits), digits, item_key(record), json.dumps(record)),
            )
            self._database.execute(
                "INSERT OR IGNORE INTO owners (identity, object) VALUES (?, ?)", (itself, key)
            )

    def __len__(self) -> int:
        return self._count("SELECT COUNT(*) FROM records")

    def in_stream_order(self) -> Iterator[Record]:
        """By sequence number, which orders the changes of each item; those without one behind."""
        return self._records(
            "SELECT body FROM records ORDER BY is_placeless, digits, number, identity"
        )

    def newest_of_each_item(self) -> Iterator[Record]:
        """The record of each item's last change."""
        return self._records(
            "SELECT body FROM (SELECT body, ROW_NUMBER() OVER "
            "(PARTITION BY item ORDER BY digits DESC, number DESC) AS age "
            "FROM records WHERE NOT is_placeless) WHERE age = 1"
        )

    def done(self, record: Record) -> list[str]:
        """Remembers that the record is done; returns the objects of which nothing is left."""
        itself = identity(record)
        self._database.execute("UPDATE owners SET is_done = 1 WHERE identity = ?", (itself,))
        return [
            key
            for (key,) in self._database.execute(
                "SELECT object FROM owners WHERE identity = ?", (itself,)
            ).fetchall()
            if not self._left(key)
        ]

    def begun(self) -> list[str]:
        """The objects of which something is done and something is left."""
        rows = self._database.execute(
            "SELECT object FROM owners GROUP BY object HAVING SUM(is_done) BETWEEN 1 AND COUNT(*)-1"
        )
        return [key for (key,) in rows]

    def is_done(self, key: str, record: Record) -> bool:
        """Whether the object's record is done."""
        return bool(self._count(
            "SELECT COUNT(*) FROM owners WHERE identity = ? AND object = ? AND is_done",
            identity(record), key,
        ))  # fmt: skip

    def _left(self, key: str) -> int:
        return self._count(
            "SELECT EXISTS (SELECT 1 FROM owners WHERE object = ? AND is_done = 0)", key
        )

    def _count(self, query: str, *values: Any) -> int:
        (count,) = self._database.execute(query, values).fetchone()
        return int(count)

    def _records(self, query: str) -> Iterator[Record]:
        for (body,) in self._database.execute(query):
            yield json.loads(body)
