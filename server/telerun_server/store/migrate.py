"""Brings a database file to this version's tables, one numbered file after the other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from telerun_protocol.errors import Conflict
from telerun_server.store.database_thread import connect


def migrations() -> list[tuple[int, str]]:
    """Number and text of each migration, in order."""
    folder = resources.files("telerun_server.store.migrations")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [(int(file.name.split("_")[0]), file.read_text("utf-8")) for file in files]


def statements(text: str) -> Iterator[str]:
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def migrate(path: Path) -> None:
    """All or nothing; safe to run from several processes. A file of a newer Telerun is refused, untouched."""
    connection = connect(path)
    try:
        connection.execute("BEGIN IMMEDIATE")
        present = connection.execute("PRAGMA user_version").fetchone()[0]
        wanted = migrations()
        if present > wanted[-1][0]:
            raise Conflict(
                f"{path} was written by a newer Telerun (schema {present}, this one knows {wanted[-1][0]}).",
                hint="Upgrade this installation, or use another --data folder.",
            )
        for number, text in wanted:
            if number > present:
                for statement in statements(text):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={number}")
        connection.execute("COMMIT")
    finally:
        connection.close()
