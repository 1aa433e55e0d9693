"""Readers on simulated hardware: the same driver code, made-up people."""

import pytest

from hubwell_edge.registry import build_readers
from hubwell_edge.sim.chips import simulated_hardware
from hubwell_edge.sim.chips.visitors import BLOCK_S, PRESENTED_S, Visitors


@pytest.mark.parametrize(
    "table",
    [{"driver": "pn532"}, {"driver": "pn532", "interface": "spi"}, {"driver": "wedge", "device": "x"}],
)
def test_readers_open_and_wait(table: dict[str, object]) -> None:
    (reader,) = build_readers([table], simulated_hardware())
    for _ in range(2):
        reader.open()
        reader.wait(0.05)
        reader.close()


def test_visitors_come_go_and_repeat_themselves() -> None:
    now = 0.0
    visitors, same, other = (Visitors(seed, lambda: now) for seed in ("a", "a", "b"))
    held = alike = differing = 0
    looks = 2000
    for step in range(looks):
        now = step * PRESENTED_S / 2
        card, again, elsewhere = visitors(), same(), other()
        held += card is not None
        alike += (card and card.uid) == (again and again.uid)
        differing += (card and card.uid) != (elsewhere and elsewhere.uid)
    assert alike == looks
    assert differing > 0
    assert 0.2 * looks * PRESENTED_S / BLOCK_S < held < 0.8 * looks * PRESENTED_S / BLOCK_S
