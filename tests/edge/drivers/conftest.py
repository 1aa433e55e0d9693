"""Real driver libraries on a board of chip models."""

from collections.abc import Iterator
from types import SimpleNamespace

import adafruit_scd4x
import pytest

from hubwell_edge.sim.chips.board import Board


@pytest.fixture
def board() -> Iterator[Board]:
    board = Board()
    yield board
    board.close()


@pytest.fixture(autouse=True)
def chip_without_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    # The real chip needs half a second to stop; the model does not.
    monkeypatch.setattr(adafruit_scd4x, "time", SimpleNamespace(sleep=lambda _seconds: None))
