"""What `hubwell up` looks at first: one clear sentence each."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubwell.runtime.data_lock import DataLock, is_held
from hubwell.runtime.endpoints import Running
from hubwell.runtime.preflight import check_port, check_space, free_port
from hubwell.runtime.start_errors import CannotStartError


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_taken_port_is_refused_with_one_that_is_free(taken: int) -> None:
    with pytest.raises(CannotStartError) as refused:
        check_port("127.0.0.1", taken)
    sentence = re.fullmatch(
        rf"Port {taken} is taken by another program: choose another one, for example --port (\d+)\.",
        str(refused.value),
    )
    assert sentence
    assert check_port("127.0.0.1", int(sentence[1])) == int(sentence[1])


def test_port_0_means_any_free_one() -> None:
    assert check_port("127.0.0.1", check_port("127.0.0.1", 0)) > 1023


def test_wanted_port_is_kept_when_free_and_replaced_when_taken(taken: int) -> None:
    free = free_port("127.0.0.1")
    assert free_port("127.0.0.1", free) == free
    assert free_port("127.0.0.1", taken) != taken


def test_disk_without_space_is_refused_before_the_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(CannotStartError, match=r"MB left and Hubwell needs 1000000000 MB: free some space"):
        check_space(tmp_path / "a" / "b", least=10**15)
    check_space(tmp_path / "a" / "b", least=1)
    assert not (tmp_path / "a").exists()


def test_addresses_are_read_only_while_their_writer_runs(tmp_path: Path) -> None:
    running = Running(page="http://a", database_url="b", broker_url="c", device_broker_url="d")
    lock = DataLock(tmp_path)
    assert Running.over(tmp_path) is None
    lock.acquire()
    running.write(tmp_path)
    assert Running.over(tmp_path) == running
    lock.release()
    assert not is_held(tmp_path)
    assert Running.over(tmp_path) is None
    Running.remove(tmp_path)
    Running.remove(tmp_path)
