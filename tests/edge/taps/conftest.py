from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.taps.door_device import PATIENT_MS, Counter
from edge.taps.sample_badges import put_keys


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    put_keys(tmp_path / "keys")
    made = Counter(tmp_path)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def patient(tmp_path: Path) -> AsyncIterator[Counter]:
    put_keys(tmp_path / "keys")
    made = Counter(tmp_path, online=True, patience_ms=PATIENT_MS)
    await made.open()
    yield made
    await made.close()
