from pathlib import Path

import pytest

from edge.taps.sample_badges import KEY, NEXT_KEY, put_keys
from hubwell_edge.taps.files.epoch_keys import KeyFolder, KeysError
from hubwell_wire.pseudonym import EpochKey


def test_newest_epoch_comes_first(tmp_path: Path) -> None:
    keys = KeyFolder(put_keys(tmp_path / "keys", KEY, NEXT_KEY, EpochKey(10, b"\x0a" * 32)))
    assert [key.epoch for key in keys.epochs()] == [10, 2, 1]


def test_new_epoch_and_destroyed_epoch_need_no_restart(tmp_path: Path) -> None:
    keys = KeyFolder(put_keys(tmp_path / "keys", KEY))
    assert keys.epochs() == (KEY,)
    put_keys(tmp_path / "keys", NEXT_KEY)
    assert keys.epochs() == (NEXT_KEY, KEY)
    (tmp_path / "keys" / "epoch-1.key").unlink()
    assert keys.epochs() == (NEXT_KEY,)


def test_systemd_credentials_work_with_the_name_that_systemd_gives_them(tmp_path: Path) -> None:
    (tmp_path / "keys_epoch-3.key").write_text("0A" * 32)
    (tmp_path / "mqtt_password").write_text("secret")
    assert KeyFolder(tmp_path).epochs() == (EpochKey(3, b"\x0a" * 32),)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("epoch-1.key", "not hex at all", "is not a key: a key has 64 hex digits"),
        ("epoch-1.key", "ab" * 16, "has 16 bytes and needs 32"),
        ("epoch-one.key", "ab" * 32, "there is no key for badges in"),
    ],
)
def test_wrong_key_is_told_without_showing_it(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(KeysError, match=sentence) as caught:
        KeyFolder(tmp_path).epochs()
    assert text not in str(caught.value)


def test_missing_folder_and_none_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="cannot read the folder of keys"):
        KeyFolder(tmp_path / "none").epochs()
    with pytest.raises(KeysError, match=r"set badges\.keys_dir"):
        KeyFolder(None).epochs()


def test_key_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "epoch-1.key").mkdir()
    with pytest.raises(KeysError, match=r"cannot read the key .*: Is a directory"):
        KeyFolder(tmp_path).epochs()
