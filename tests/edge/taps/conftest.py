from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.taps.door_device import PATIENT_MS, DoorDevice
from edge.taps.sample_badges import put_keys


@pytest.fixture
async def device(tmp_path: Path) -> AsyncIterator[DoorDevice]:
    put_keys(tmp_path / "keys")
    device = DoorDevice(tmp_path)
    await device.open()
    yield device
    await device.close()


@pytest.fixture
async def patient_device(tmp_path: Path) -> AsyncIterator[DoorDevice]:
    put_keys(tmp_path / "keys")
    device = DoorDevice(tmp_path, online=True, patience_ms=PATIENT_MS)
    await device.open()
    yield device
    await device.close()
