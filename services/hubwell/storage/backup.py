"""Back up the database into one file and restore it, both verified by row counts and digests.

The file is a zip archive of a manifest and one member in COPY text format per table, from one snapshot. It
holds data only, no engine internals, so a backup of plain PostgreSQL can be restored into TimescaleDB and
the other way round.
"""

import errno
import json
import os
import stat
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import Connection, sql
from pydantic import BaseModel

from hubwell.errors import first_line
from hubwell.storage.connect import connect_sync
from hubwell.storage.migrate import migrate
from hubwell.storage.revisions import current_revision, is_known
from hubwell.storage.table_digest import TableDigest, table_digest, tables_of

_FORMATS: Final = "hubwell-backup-"
"""Beginning of the format in the manifest of a backup of any release."""
_FORMAT: Final = f"{_FORMATS}1"
_QUEUE: Final = "procrastinate_jobs"
_BLOCK: Final = 1 << 20


class TableManifest(BaseModel):
    """Row count, digest and columns of one table in the archive."""

    rows: int
    digest: str
    columns: list[str]


class Manifest(BaseModel):
    """Contents of the archive. `waiting` is the number of deliveries that were queued."""

    format: str
    revision: str
    taken_at: datetime
    tables: dict[str, TableManifest]
    waiting: int


class BackupError(Exception):
    """A backup or restore failed or is incomplete; the text is the reason."""


def backup(url: str, file: Path) -> int:
    """Write the backup, verify the file, print the result and return an exit code."""
    try:
        with _replacing(file) as partial:
            manifest = write_backup(url, partial)
            verify_file(partial)
    except _PROBLEMS as error:
        return _tell(error, f"{file} cannot be written")
    sys.stdout.write(f"{file}: {_rows(manifest)} rows in {len(manifest.tables)} tables, verified.\n")
    return 0


def restore(url: str, file: Path) -> int:
    """Restore into an empty database, compare, print the result and return an exit code."""
    try:
        manifest = read_backup(url, file)
    except _PROBLEMS as error:
        return _tell(error, f"{file} cannot be read")
    sys.stdout.write(f"{file}: {_rows(manifest)} rows restored; counts and digests agree.\n")
    return 0


_PROBLEMS: Final = (BackupError, OSError, psycopg.Error)
_DAMAGE: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""Errors of zipfile for a damaged archive; which one depends on the position of the damage."""


def _tell(error: Exception, failed: str) -> int:
    sentence = first_line(error)
    if isinstance(error, OSError):
        sentence = f"{failed}: {error.strerror or sentence}."
    elif isinstance(error, psycopg.Error):
        sentence = f"The database refused: {sentence}"
    sys.stderr.write(f"{sentence}\n")
    return 1


def _rows(manifest: Manifest) -> int:
    return sum(table.rows for table in manifest.tables.values())


@contextmanager
def _replacing(file: Path) -> Iterator[Path]:
    """Give a new file beside the target, readable for its owner only, that takes its place at the end.

    A link is followed: the file that it names is replaced, and the link stays. After an exception the target
    is as it was. Raises BackupError, before anything is written, and OSError.
    """
    target = _check_target(file)
    # A name that nobody can foresee: a folder for everybody, such as /tmp, may hold prepared links.
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent)
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        _check_target(file)  # the dump may have taken an hour
        partial.replace(target)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _check_target(file: Path) -> Path:
    """Return the file that a backup to `file` will be, its links followed. Raises BackupError."""
    # The kernel's own answer counts: links such as /dev/stdout lead to what no path names.
    target = Path(os.path.realpath(file))
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        return _in_folder(target, file)
    except NotADirectoryError:
        raise BackupError(f"{file} cannot be written: a part of its path is not a folder.") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise BackupError(f"{file} is a link that leads to itself: name a file.") from None
        raise BackupError(f"{file} cannot be written: {error.strerror}.") from error
    if stat.S_ISDIR(mode):
        raise BackupError(f"{file} is a folder: name a file in it, such as {file / 'hub.backup'}.")
    if not stat.S_ISREG(mode):
        raise BackupError(f"{file} is a device or a pipe, not a file: name a file.")
    if not (target.exists() and target.samefile(file) and _is_backup(target)):
        raise BackupError(f"{file} is not a backup of Hubwell and stays as it is: name another file.")
    return target


def _in_folder(target: Path, file: Path) -> Path:
    folder = target.parent
    if not folder.exists():
        raise BackupError(
            f"The folder {folder} of {file.name} does not exist: make it, or name another file."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BackupError(f"The folder {folder} cannot be written by this user: name another file.")
    return target


def _is_backup(file: Path) -> bool:
    """Return whether the file is a backup of Hubwell, of any release, whole or not."""
    try:
        with zipfile.ZipFile(file) as archive:
            return str(json.loads(archive.read("manifest.json"))["format"]).startswith(_FORMATS)
    except (*_DAMAGE, KeyError, TypeError, OSError):
        return False


def write_backup(url: str, file: Path) -> Manifest:
    """Write one snapshot of the database into `file` and return its manifest. Raises BackupError."""
    with connect_sync(url, name="backup") as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        conn.read_only = True
        with conn.transaction(), zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
            revision = current_revision(conn)
            if revision is None:
                raise BackupError("this database holds no Hubwell: there is nothing to back up")
            manifest = Manifest(
                format=_FORMAT,
                revision=revision,
                taken_at=datetime.now(UTC),
                tables={table: _write_table(conn, archive, table) for table in tables_of(revision)},
                waiting=_write_queue(conn, archive),
            )
            archive.writestr("manifest.json", manifest.model_dump_json(indent=2))
    return manifest


def _columns(conn: Connection[Any], table: str) -> list[str]:
    rows = conn.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
        "ORDER BY attnum",
        (table,),
    )
    return [str(row[0]) for row in rows]


def _write_table(conn: Connection[Any], archive: zipfile.ZipFile, table: str) -> TableManifest:
    columns = _columns(conn, table)
    # A query, because COPY of a hypertable's own name would give no rows.
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(names, sql.Identifier(table))
    with archive.open(f"{table}.copy", "w", force_zip64=True) as out, conn.cursor().copy(query) as copy:
        for block in copy:
            out.write(block)
    stored = table_digest(conn, table)
    return TableManifest(rows=stored.rows, digest=stored.digest, columns=columns)


def _write_queue(conn: Connection[Any], archive: zipfile.ZipFile) -> int:
    """Write the queued deliveries, so that a restore loses no alert; return their number."""
    query = sql.SQL(
        "COPY (SELECT task_name, queue_name, args, scheduled_at FROM {} WHERE status IN ('todo', 'doing')) "
        "TO STDOUT"
    ).format(sql.Identifier(_QUEUE))
    rows = 0
    with archive.open(f"{_QUEUE}.copy", "w") as out, conn.cursor().copy(query) as copy:
        for block in copy:
            out.write(block)
            rows += bytes(block).count(b"\n")
    return rows


def verify_file(file: Path) -> None:
    """Raise BackupError unless the archive is undamaged and its members have the rows of its manifest.

    Raises OSError for a file that cannot be read.
    """
    if not stat.S_ISREG(file.stat().st_mode):
        raise BackupError(f"{file} is not a file: name a file made by `hubwell backup`")
    try:
        with zipfile.ZipFile(file) as archive:
            damaged = archive.testzip()
            if damaged is not None:
                raise BackupError(f"{file} is damaged ({damaged}): take another backup")
            _verify_members(archive, file)
    except _DAMAGE as error:
        raise BackupError(f"{file} is damaged or is not a Hubwell backup: {error}") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # a damaged offset leads to before the file's begin
            raise
        raise BackupError(f"{file} is damaged: take another backup") from error


def _verify_members(archive: zipfile.ZipFile, file: Path) -> None:
    manifest = _manifest(archive, file)
    expected = {name: table.rows for name, table in manifest.tables.items()}
    expected[_QUEUE] = manifest.waiting
    missing = expected.keys() - {name.removesuffix(".copy") for name in archive.namelist()}
    if missing or not expected.keys() >= set(tables_of(manifest.revision)):
        raise BackupError(f"{file} is not whole: {', '.join(sorted(missing)) or 'a table'} is missing in it")
    for table, expected_rows in expected.items():
        with archive.open(f"{table}.copy") as member:
            rows = sum(block.count(b"\n") for block in iter(lambda: member.read(_BLOCK), b""))
        if rows != expected_rows:
            raise BackupError(f"{file}: {table} has {rows} rows, the manifest says {expected_rows}")


def _manifest(archive: zipfile.ZipFile, file: Path) -> Manifest:
    try:
        raw: dict[str, Any] = json.loads(archive.read("manifest.json"))
        if raw["format"] != _FORMAT:
            raise BackupError(f"{file} has the format {raw['format']!r}; this release reads {_FORMAT!r}")
        return Manifest.model_validate(raw)
    except (KeyError, TypeError, ValueError) as error:  # also pydantic's ValidationError
        raise BackupError(f"{file} is not a Hubwell backup: it has no readable manifest") from error


def read_backup(url: str, file: Path) -> Manifest:
    """Restore `file` into the empty database at `url`, compare with the manifest, migrate to this release.

    Raises BackupError when the database is not empty or the result differs from the manifest; the
    transaction is then rolled back, so a failed restore leaves no rows. Raises OSError, psycopg.Error.
    """
    verify_file(file)
    with zipfile.ZipFile(file) as archive, connect_sync(url, name="restore") as conn:
        manifest = _manifest(archive, file)
        if not is_known(manifest.revision):
            raise BackupError(
                f"{file} was made by a newer release (schema {manifest.revision}): install that one first"
            )
        if current_revision(conn) is None:
            migrate(url, manifest.revision)
        elif current_revision(conn) != manifest.revision:
            raise BackupError("the database is of another release than the backup: restore into an empty one")
        with conn.transaction():
            for table, expected in manifest.tables.items():
                if table_digest(conn, table).rows:
                    raise BackupError(f"the database is not empty (table {table}): restore into an empty one")
                _read_table(conn, archive, table, expected.columns)
            _read_queue(conn, archive)
            _compare(conn, manifest)
    migrate(url)
    return manifest


def _read_table(conn: Connection[Any], archive: zipfile.ZipFile, table: str, columns: list[str]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    _copy_in(conn, archive, table, query)
    if "id" in columns:
        # New ids must not collide with restored ones; ids that are not counters have no sequence.
        row = conn.execute("SELECT pg_get_serial_sequence(%s, 'id')", (table,)).fetchone()
        if row is not None and row[0] is not None:
            conn.execute(
                sql.SQL("SELECT setval(%s, (SELECT coalesce(max(id), 0) + 1 FROM {}), false)").format(
                    sql.Identifier(table)
                ),
                (row[0],),
            )


def _read_queue(conn: Connection[Any], archive: zipfile.ZipFile) -> None:
    query = sql.SQL("COPY {} (task_name, queue_name, args, scheduled_at) FROM STDIN").format(
        sql.Identifier(_QUEUE)
    )
    _copy_in(conn, archive, _QUEUE, query)


def _copy_in(conn: Connection[Any], archive: zipfile.ZipFile, member: str, query: sql.Composed) -> None:
    with archive.open(f"{member}.copy") as source, conn.cursor().copy(query) as copy:
        while block := source.read(_BLOCK):
            copy.write(block)


def _compare(conn: Connection[Any], manifest: Manifest) -> None:
    for table, expected in manifest.tables.items():
        restored = table_digest(conn, table)
        if restored != TableDigest(expected.rows, expected.digest):
            raise BackupError(f"table {table} differs after the restore: {restored} instead of {expected}")
