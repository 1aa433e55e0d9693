from collections.abc import Iterator

import pytest

from firmware_configs.production_broker import Broker, Client, production_broker


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Give the broker of the production configuration, one for a module."""
    with production_broker(tmp_path_factory.mktemp("mosquitto")) as broker:
        yield broker


@pytest.fixture
def device(broker: Broker) -> Iterator[Client]:
    with Client(broker, "room-1") as client:
        assert client.refusal is None
        yield client
