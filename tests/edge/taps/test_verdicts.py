from typing import Any, get_args

import pytest

from edge.taps.sample_badges import BADGE, OTHER, ago, roster
from hubwell_edge.taps.verdicts import (
    DEFAULT_TEXTS,
    inside_after,
    is_full,
    local_verdict,
    purpose_of,
    text_for,
)
from hubwell_wire.commands import Roster, RosterBadge, RosterReader, RosterSpace
from hubwell_wire.enumerations import Verdict

AT = ago(hours=1)
LOST = roster(AT, badges={BADGE: RosterBadge(revoked=True), OTHER: RosterBadge(lang="nl")})


@pytest.mark.parametrize(
    ("badges", "purpose", "listed", "inside", "verdict"),
    [
        ((BADGE,), "space", roster(AT), False, "in"),
        ((BADGE,), "space", roster(AT), True, "out"),
        ((BADGE,), "space", LOST, False, "revoked"),
        ((BADGE,), "space", LOST, True, "revoked"),
        (("ff" * 16, OTHER), "space", LOST, False, "in"),
        ((OTHER,), "space", roster(AT), False, "unknown"),
        ((OTHER,), "space", roster(AT, unknown="count"), False, "in"),
        ((OTHER,), "space", roster(AT, unknown="count"), True, "out"),
        ((BADGE,), "space", None, False, "noted"),
        ((), "space", roster(AT), False, "noted"),
        ((BADGE,), "desk", roster(AT), False, "desk"),
        ((), "kiosk", None, True, "code"),
    ],
)
def test_reader_says_what_the_list_and_the_door_know(
    badges: tuple[str, ...], purpose: str, listed: Roster | None, *, inside: bool, verdict: str
) -> None:
    assert local_verdict(badges, purpose, listed, inside=inside, full=False) == verdict


@pytest.mark.parametrize(("when_full", "verdict"), [("refuse", "full"), ("warn", "in")])
def test_full_space_refuses_or_warns_and_always_lets_out(when_full: Any, verdict: str) -> None:
    listed = roster(AT, space=RosterSpace(capacity=2, when_full=when_full))
    assert [is_full(listed, people) for people in (1, 2, 3)] == [False, True, True]
    assert local_verdict((BADGE,), "space", listed, inside=False, full=True) == verdict
    assert local_verdict((BADGE,), "space", listed, inside=True, full=True) == "out"
    assert local_verdict((OTHER,), "space", listed, inside=False, full=True) == "unknown"
    assert local_verdict((BADGE,), "desk", listed, inside=False, full=True) == "desk"


def test_readers_are_doors_unless_the_list_says_otherwise() -> None:
    listed = roster(AT, readers={"counter": RosterReader(purpose="desk")})
    assert [purpose_of(name, listed) for name in ("door", "counter")] == ["space", "desk"]
    assert purpose_of("counter", None) == "space"


def test_words_are_in_the_person_s_language_then_the_hub_s_then_english() -> None:
    assert text_for("in", (BADGE,), roster(AT)) == "Benvenuta."
    assert text_for("revoked", (BADGE,), roster(AT)) == "Reported lost."
    assert text_for("in", (OTHER,), roster(AT, lang="it")) == "Benvenuta."
    assert text_for("in", (OTHER,), LOST) == "Welcome.", "the list has no Dutch"
    assert text_for("full", (BADGE,), roster(AT)) == DEFAULT_TEXTS["full"]
    assert text_for("in", (BADGE,), None) == DEFAULT_TEXTS["in"]


def test_every_verdict_has_words_and_a_meaning_for_who_is_in() -> None:
    assert set(DEFAULT_TEXTS) == set(get_args(Verdict))
    assert {verdict for verdict in DEFAULT_TEXTS if inside_after(verdict)} == {"in", "moved"}
    assert {verdict for verdict in DEFAULT_TEXTS if inside_after(verdict) is None} == {
        "again", "refused", "noted", "code", "desk", "phone",
    }  # fmt: skip
