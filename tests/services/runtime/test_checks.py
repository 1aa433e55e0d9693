"""What `hubwell up` looks at first: one clear sentence each."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from hubwell.commands.up.port_reservations import PortReservations
from hubwell.runtime.data_lock import DataLock, is_held
from hubwell.runtime.endpoints import Running
from hubwell.runtime.preflight import check_port, check_space
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


def test_wanted_port_is_kept_when_free_and_replaced_when_taken(taken: int) -> None:
    with PortReservations() as ours:
        free = ours.reserve("127.0.0.1")
        assert free > 1023
        assert ours.reserve("127.0.0.1", taken) not in (taken, free)
    with PortReservations() as again:
        assert again.reserve("127.0.0.1", free) == free


def test_two_hubs_that_start_at_the_same_time_choose_different_ports() -> None:
    """Neither listens yet when the other chooses."""
    with PortReservations() as ours, PortReservations() as theirs:
        first = ours.reserve("127.0.0.1", 1884)
        assert theirs.reserve("127.0.0.1", first) != first
        assert check_port("127.0.0.1", first) == first  # its own server can listen there
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("127.0.0.1", first))
            server.listen()


def test_disk_without_space_is_refused_before_the_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(CannotStartError, match=r"MB left and Hubwell needs 1000000000 MB: free some space"):
        check_space(tmp_path / "a" / "b", least=10**15)
    check_space(tmp_path / "a" / "b", least=1)
    assert not (tmp_path / "a").exists()


def test_data_folder_is_for_its_user_only_also_that_of_an_earlier_release(tmp_path: Path) -> None:
    made = DataLock(tmp_path / "made")
    made.acquire()
    made.release()
    (tmp_path / "made").chmod(0o755)  # as an earlier release made it
    made.acquire()
    made.release()
    assert (tmp_path / "made").stat().st_mode & 0o7777 == 0o700


def test_folder_of_everybody_and_folder_of_other_files_stay_as_they_are(tmp_path: Path) -> None:
    for name, mode in (("everybody", 0o1777), ("other", 0o755)):
        folder = tmp_path / name
        folder.mkdir()
        folder.chmod(mode)
        if name == "everybody":
            (folder / "hubwell.lock").touch()
        lock = DataLock(folder)
        lock.acquire()
        lock.release()
        assert folder.stat().st_mode & 0o7777 == mode


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
