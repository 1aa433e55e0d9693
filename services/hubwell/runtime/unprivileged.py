"""An unprivileged user for PostgreSQL, which refuses to run as root, when root starts Hubwell.

Chooses or creates the user, makes it the owner of the database files, and grants it, and no other user, the
right to traverse private folders above them such as `/root`.
"""

import os
import pwd
import stat
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

USER_NAME = "hubwell"
_ACL_ATTRIBUTE = "system.posix_acl_access"
# Tags and layout of a POSIX ACL in an extended attribute: linux/posix_acl_xattr.h
_ACL_VERSION = 2
_OWNER, _USER, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NO_ID = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system's user that a program runs as."""

    name: str
    uid: int
    gid: int


class NoPassageError(Exception):
    """The unprivileged user cannot traverse a folder above the data, and the right could not be granted."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"no passage through {folder}")
        self.folder = folder


def account_for(data: Path) -> Account | None:
    """Return the user that PostgreSQL must run as for `data`; None for the current one, if that is not root.

    Data that already belong to another user than root keep their owner, so that a later start as root or a
    renamed account does not change the owner without the operator's knowledge.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return _account(pwd.getpwuid(owner))
    return _own_account()


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _own_account() -> Account:
    """Return the system user `hubwell`, created if missing; the user `nobody` where that fails."""
    try:
        return _account(pwd.getpwnam(USER_NAME))
    except KeyError:
        pass
    try:
        subprocess.run(
            [
                "useradd",
                "--system",
                "--user-group",
                "--no-create-home",
                "--shell",
                "/usr/sbin/nologin",
                USER_NAME,
            ],
            check=True,
            capture_output=True,
        )
        return _account(pwd.getpwnam(USER_NAME))
    except (OSError, subprocess.CalledProcessError, KeyError):
        return _account(pwd.getpwnam("nobody"))


def _owner(path: Path) -> int | None:
    """Return the owner's id; None for a file that a stopping server has just removed."""
    try:
        return path.lstat().st_uid
    except FileNotFoundError:
        return None


def hand_over(folder: Path, account: Account) -> None:
    """Make `account` the owner of everything in `folder` that root owns, as after a copy made by root.

    Raises OSError.
    """
    for path in (folder, *folder.rglob("*")):
        if _owner(path) == 0:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def grant_traverse(path: Path, account: Account) -> list[Path]:
    """Let `account` traverse the folders above `path`; return the folders whose rights were changed.

    Only traversal (`x`) is granted, and only to this user, by an access control list: the folder cannot be
    listed, and other users get no right.

    :raises NoPassageError: a right could not be granted, as on a file system without access control lists.
    """
    opened = []
    for folder in reversed(list(_folders_above(path))):
        if _may_pass(folder, account):
            continue
        try:
            _grant_passage(folder, account.uid)
        except OSError as error:
            raise NoPassageError(folder) from error
        opened.append(folder)
    return opened


def _folders_above(path: Path) -> Iterator[Path]:
    """Yield every folder above `path`, both with links resolved and as the path was given, each once."""
    yielded = set()
    for start in (path.absolute(), path.resolve()):
        for folder in start.parents:
            real = folder.resolve()
            if real not in yielded:
                yielded.add(real)
                yield real


def _may_pass(folder: Path, account: Account) -> bool:
    status = folder.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    entries = _acl(folder)
    granted = [rights for tag, rights, who in entries if (tag, who) == (_USER, account.uid)]
    if granted:  # within the mask, which a later chmod of the folder narrows
        mask = [rights for tag, rights, _ in entries if tag == _MASK]
        return bool(granted[0] & mask[0] & 1)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _acl(folder: Path) -> list[tuple[int, int, int]]:
    """Return the access control list as (tag, rights, id); the plain mode bits when there is none."""
    try:
        raw = os.getxattr(folder, _ACL_ATTRIBUTE)
    except OSError:
        mode = folder.stat().st_mode
        return [(_OWNER, mode >> 6 & 7, _NO_ID), (_GROUP, mode >> 3 & 7, _NO_ID), (_OTHER, mode & 7, _NO_ID)]
    return list(struct.iter_unpack("<HHI", raw[4:]))


def _grant_passage(folder: Path, uid: int) -> None:
    entries = [entry for entry in _acl(folder) if entry[0] != _MASK and (entry[0], entry[2]) != (_USER, uid)]
    entries.append((_USER, 1, uid))
    masked = [rights for tag, rights, _ in entries if tag not in {_OWNER, _OTHER}]
    mask = 0
    for rights in masked:
        mask |= rights
    entries.append((_MASK, mask, _NO_ID))
    raw = struct.pack("<I", _ACL_VERSION) + b"".join(struct.pack("<HHI", *entry) for entry in sorted(entries))
    os.setxattr(folder, _ACL_ATTRIBUTE, raw)
