"""The disk of the database: free space is measured where its files are, not where the command is typed."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from hubwell.doctor.finding import Finding
from hubwell.storage.connect import connect_sync

_LITTLE_DISK_GB: Final = 1.0
_CLUSTERS: Final = Path("/var/lib/postgresql")
"""Where Debian keeps clusters, as VERSION/NAME. Their place is hidden from the services' own role."""
_SEEN_FROM_A_CONTAINER: Final = Path("/var/lib/hubwell-database")
"""Where docker-compose.yml shows the volume of the database to the container that this is typed in."""
_HERE: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})
_DATA_FOLDER: Final = "SELECT setting FROM pg_settings WHERE name = 'data_directory'"


def check_disk(url: str, clusters: Path = _CLUSTERS, volume: Path = _SEEN_FROM_A_CONTAINER) -> Finding:
    """Compare the free space of the database's disk with 1 GB, or report that it cannot be measured here."""
    host = str(conninfo_to_dict(url).get("host") or "")
    here = host in _HERE or host.startswith("/")
    if not here and not volume.is_mount():
        return Finding("disk", "ok", f"not measured: the database is on {host}")
    folders = _data_folders(url, clusters) if here else [volume]
    measured = [(_free_gb(folder), folder) for folder in folders]
    known = [(free, folder) for free, folder in measured if free is not None]
    if not known:
        return Finding("disk", "ok", "not measured: the files of the database are not visible from here")
    free, folder = min(known)
    if free < _LITTLE_DISK_GB:
        text = f"{free:.1f} GB free where the database is ({folder})"
        return Finding("disk", "warning", text, "Free some space: the database stops when it is full.")
    return Finding("disk", "ok", f"{free:.0f} GB free where the database is ({folder})")


def _data_folders(url: str, clusters: Path) -> Iterator[Path]:
    try:
        with connect_sync(url, name="doctor") as conn:
            row = conn.execute(_DATA_FOLDER).fetchone()
    except psycopg.Error:
        row = None  # it may be away because its disk is full
    if row is not None:
        yield Path(row[0])
    else:
        yield from _listed(clusters)


def _listed(clusters: Path) -> Iterable[Path]:
    try:
        return sorted(clusters.glob("*/*"))
    except OSError:
        return []


def _free_gb(folder: Path) -> float | None:
    try:
        return shutil.disk_usage(folder).free / 1e9
    except OSError:
        return None
