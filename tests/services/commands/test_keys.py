"""The folder of secrets: made once, for its owner only, also by several processes at once."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hubwell.errors import DomainError
from hubwell.keys import Keys


def test_first_keys_are_made_once_whoever_asks_first(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")

    with ThreadPoolExecutor(8) as pool:
        epochs = list(pool.map(lambda _: keys.newest_epoch(), range(32)))
        signers = list(pool.map(lambda _: bytes(keys.roster_key()), range(32)))

    assert set(epochs) == {keys.newest_epoch()}
    assert len(set(signers)) == 1
    assert sorted(path.name for path in keys.folder.iterdir()) == ["epoch-1.key", "roster.key"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys.folder.iterdir()} == {0o600}
    assert stat.S_IMODE(keys.folder.stat().st_mode) == 0o700


def test_each_rotation_is_one_epoch_further(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")

    assert [keys.newest_epoch().epoch, keys.add_epoch().epoch, keys.add_epoch().epoch] == [1, 2, 3]
    assert [key.epoch for key in keys.epochs()] == [3, 2, 1]


def test_destroyed_key_is_gone_and_the_one_in_use_stays(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    keys.newest_epoch()
    keys.add_epoch()

    keys.destroy_epoch(1)

    assert [key.epoch for key in keys.epochs()] == [2]
    with pytest.raises(DomainError, match="in use"):
        keys.destroy_epoch(2)
    with pytest.raises(DomainError, match="no key of epoch 1"):
        keys.destroy_epoch(1)


@pytest.mark.parametrize("content", ["", "00" * 31, "key"])
def test_broken_key_says_which_file_and_not_what_is_in_it(tmp_path: Path, content: str) -> None:
    keys = Keys(tmp_path / "keys")
    keys.newest_epoch()
    (keys.folder / "epoch-1.key").write_text(content)

    with pytest.raises(DomainError, match="64 hexadecimal digits") as failed:
        keys.epochs()
    assert "epoch-1.key" in str(failed.value)


def test_key_does_not_show_in_what_is_printed_of_it(tmp_path: Path) -> None:
    key = Keys(tmp_path / "keys").newest_epoch()
    assert key.key.hex() not in repr(key)
    assert repr(key.key) not in repr(key)
