"""Lets PostgreSQL run when Hubwell is started by root, which PostgreSQL itself refuses.

Chooses (or makes) an ordinary user, hands it the folders it owns, and lets it, and nobody else, pass through
private folders above them such as `/root`.
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
    """The user a program runs as."""

    name: str
    uid: int
    gid: int


class NoPassageError(Exception):
    """A folder above the data cannot be passed by the unprivileged user, and nothing helped."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"no passage through {folder}")
        self.folder = folder


def account_for(data: Path) -> Account | None:
    """Choose the user PostgreSQL must run as for `data`; None for the present one, who is not root.

    Data that already belongs to somebody keeps its owner, so that a later start as root or a renamed account
    does not change hands behind an operator's back.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return _account(pwd.getpwuid(owner))
    return _own_account()


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _own_account() -> Account:
    """Find the system user `hubwell`, or make it; `nobody` where users cannot be made."""
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
    """Return the owner's id; None for a file that a server on its way down has just removed."""
    try:
        return path.lstat().st_uid
    except FileNotFoundError:
        return None


def hand_over(folder: Path, account: Account) -> None:
    """Make `account` the owner of everything in `folder` that root owns (as after a copy made by root)."""
    for path in (folder, *folder.rglob("*")):
        if _owner(path) == 0:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def grant_traverse(path: Path, account: Account) -> list[Path]:
    """Let `account` pass through the folders above `path`; return those that had to be opened.

    Only passing (`x`) is granted, and only to this user, by an access control list: a listing of the folder
    and every other user stay shut out.

    :raises NoPassageError: the file system has no access control lists.
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
    """Every folder on the way to `path`, links resolved, and the way to the link as it was written."""
    seen = set()
    for start in (path.absolute(), path.resolve()):
        for folder in start.parents:
            real = folder.resolve()
            if real not in seen:
                seen.add(real)
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
    """Read the access control list as (tag, rights, id); the plain mode bits when it has none."""
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
