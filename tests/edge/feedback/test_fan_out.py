"""What shows the answer: one thread for each part, patterns, and a registry."""

import logging
import threading
from queue import SimpleQueue
from typing import get_args

import pytest

from hubwell_edge.config_tables import TableError
from hubwell_edge.drivers.hardware import Hardware
from hubwell_edge.feedback.fan_out import SAME_TAP_S, FeedbackFanOut
from hubwell_edge.feedback.output import GROUPS, FeedbackError, Group, Signal, Wait
from hubwell_edge.feedback.patterns import PATTERNS, PLAIN_SIGNS, SIGNS
from hubwell_edge.registry import OUTPUTS, build_feedback
from hubwell_wire.enumerations import Verdict

SOON_S = 5.0


class Recorder:
    """An output that keeps what it was told; a pattern lasts until something newer comes."""

    name = "recorder"

    def __init__(self, *, rest_s: float = 0.0, lasts: bool = False) -> None:
        self.rest_s = rest_s
        self.lasts = lasts
        self.failures = 0
        self.happened: SimpleQueue[Signal | str] = SimpleQueue()
        self.cut_short: SimpleQueue[bool] = SimpleQueue()

    def open(self) -> None:
        if self.failures:
            self.failures -= 1
            self.happened.put("failed")
            raise FeedbackError("the lamp is not there: plug it in")
        self.happened.put("open")

    def show(self, signal: Signal, wait: Wait) -> None:
        self.happened.put(signal)
        if self.lasts:
            self.cut_short.put(wait(SOON_S))

    def clear(self) -> None:
        self.happened.put("clear")

    def close(self) -> None:
        self.happened.put("close")

    def next(self) -> Signal | str:
        return self.happened.get(timeout=SOON_S)


def opened(*outputs: Recorder, now: list[float] | None = None) -> FeedbackFanOut:
    times = now or [0.0]
    panel = FeedbackFanOut("door", outputs, clock=lambda: times[0])
    panel.open()
    for output in outputs:
        assert output.next() == "open"
    return panel


def test_every_verdict_has_a_group() -> None:
    assert set(GROUPS) == {*get_args(Verdict), "evacuation"}


def test_patterns_differ_without_colour_and_without_sound() -> None:
    groups = get_args(Group)
    lights = {
        group: tuple((step.seconds, step.green or step.red) for step in PATTERNS[group]) for group in groups
    }
    tones = {group: tuple(step.seconds for step in PATTERNS[group] if step.tone) for group in groups}
    for one in (lights, tones, SIGNS, PLAIN_SIGNS):
        assert len(set(one.values())) == len(groups)


def test_nobody_waits_for_a_display() -> None:
    slow, quick = Recorder(lasts=True), Recorder()
    panel = opened(slow, quick)
    panel.show("in", "Welcome", provisional=False)
    assert slow.next() == quick.next() == Signal("in", "Welcome")
    panel.show("out", "Goodbye", provisional=False)
    assert quick.next() == Signal("out", "Goodbye")
    panel.close()


def test_newer_answer_cuts_the_older_one_short() -> None:
    output = Recorder(lasts=True)
    panel = opened(output)
    panel.show("in", "Welcome", provisional=True)
    assert output.next() == Signal("in", "Welcome")
    panel.show("full", "The space is full", provisional=False)
    assert output.cut_short.get(timeout=SOON_S) is True
    assert output.next() == Signal("full", "The space is full")
    panel.close()
    assert output.cut_short.get(timeout=SOON_S) is True
    assert output.next() == "close"


def test_confirmation_changes_words_only() -> None:
    output, now = Recorder(), [0.0]
    panel = opened(output, now=now)
    panel.show("noted", "Noted", provisional=True)
    assert output.next() == Signal("noted", "Noted")
    now[0] += 0.3
    panel.show("in", "Welcome", provisional=False)
    assert output.next() == Signal("in", "Welcome", quiet=True)
    panel.show("in", "Welcome", provisional=False)
    assert output.next() == Signal("in", "Welcome"), "the next tap is another one"
    panel.show("in", "Welcome", provisional=True)
    assert output.next() == Signal("in", "Welcome")
    now[0] += SAME_TAP_S + 1
    panel.show("in", "Welcome", provisional=False)
    assert output.next() == Signal("in", "Welcome"), "too late to be about the same tap"
    panel.close()


def test_confirmation_does_not_cut_the_light_short() -> None:
    output = Recorder(lasts=True)
    panel = opened(output)
    panel.show("in", "Welcome", provisional=True)
    output.next()
    panel.show("in", "Welcome", provisional=False)
    assert output.cut_short.empty()
    panel.close()


def test_display_is_cleared_after_a_rest() -> None:
    output = Recorder(rest_s=0.05)
    panel = opened(output)
    panel.show("in", "Welcome", provisional=False)
    assert [output.next(), output.next()] == [Signal("in", "Welcome"), "clear"]
    panel.close()
    assert output.next() == "close"


def test_evacuation_is_shown_between_taps_until_it_ends() -> None:
    output = Recorder(rest_s=0.05)
    panel = opened(output)
    panel.announce("Leave the building.")
    panel.announce("Leave the building.")
    assert output.next() == Signal("evacuation", "Leave the building.")
    panel.show("in", "Leave the building, Ada.", provisional=False)
    shown = [output.next()]
    while shown[-1] != Signal("in", "Leave the building, Ada."):
        shown.append(output.next())
    assert output.next() == Signal("evacuation", "Leave the building.", quiet=True), "after the tap's rest"
    panel.announce(None)
    while output.next() != "clear":
        pass
    panel.close()


def test_output_that_is_opened_late_shows_the_evacuation_too() -> None:
    output = Recorder()
    panel = FeedbackFanOut("door", [output])
    panel.announce("Leave the building.")
    panel.open()
    assert [output.next(), output.next()] == ["open", Signal("evacuation", "Leave the building.")]
    panel.close()


def test_part_that_fails_is_said_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    output = Recorder()
    output.failures = 3
    panel = FeedbackFanOut("door", [output])
    with caplog.at_level(logging.INFO):
        panel.open()
        assert output.next() == "failed"
        for text in ("one", "two"):
            panel.show("in", text, provisional=False)
            assert output.next() == "failed"
        panel.show("out", "three", provisional=False)
        assert [output.next(), output.next()] == ["open", Signal("out", "three")]
        panel.close()
    assert [record.message for record in caplog.records] == [
        "recorder of reader door cannot show anything: the lamp is not there: plug it in"
    ]


def test_text_cannot_steer_a_terminal() -> None:
    output = Recorder()
    panel = opened(output)
    panel.show("in", "a\x1b[2Jb", provisional=False)
    assert output.next() == Signal("in", "a?[2Jb")
    panel.close()


def test_panel_can_be_opened_again() -> None:
    output = Recorder()
    panel = opened(output)
    panel.close()
    assert output.next() == "close"
    panel.open()
    panel.show("in", "Welcome", provisional=False)
    assert [output.next(), output.next()] == ["open", Signal("in", "Welcome")]
    panel.close()


def test_threads_end() -> None:
    panel = opened(Recorder())
    panel.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "feedback-door"]


def test_panel_that_was_never_opened_can_be_closed() -> None:
    FeedbackFanOut("door", [Recorder()]).close()


def test_registry_builds_every_kind() -> None:
    needed: dict[str, dict[str, object]] = {"gpio": {"green": 23}, "screen": {"device": "/dev/tty1"}}
    tables = [{"driver": kind, **needed.get(kind, {})} for kind in OUTPUTS]
    readers: list[dict[str, object]] = [
        {"driver": "pcsc", "feedback": tables},
        {"driver": "simulated", "name": "desk"},
    ]
    panels = build_feedback(readers, Hardware())
    assert set(panels) == {"door", "desk"}
    for panel in panels.values():
        panel.close()


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"driver": "gpoi"}, "reader 1, feedback 1: driver 'gpoi' is not known; did you mean 'gpio'"),
        ({"driver": "gpio"}, "give at least one of 'green', 'red' and 'buzzer' a pin"),
        ({"driver": "gpio", "green": 5, "red": 5}, "a pin of their own"),
        ({"driver": "gpio", "gren": 5}, "did you mean 'green'"),
        ({"driver": "screen"}, "option 'device' is missing"),
        ({"driver": "screen", "device": "x", "style": "big"}, "option 'style'"),
    ],
)
def test_wrong_table_is_explained(table: dict[str, object], sentence: str) -> None:
    with pytest.raises(TableError) as caught:
        build_feedback([{"driver": "pcsc", "feedback": [table]}], Hardware())
    assert sentence in str(caught.value)
