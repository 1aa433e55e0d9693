"""What taps, answers and lists of badges may hold, and what is never repeated of them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from hubwell_wire.commands import MusterEntry, MusterSnapshot, Roster, SealedRoster
from hubwell_wire.examples import examples
from hubwell_wire.messages import Meta, Status, Tap
from hubwell_wire.parse import MAX_PAYLOAD, MAX_ROSTER
from wire.golden_messages import fields, packed, parsed, refused

NUMBER = "04DE5F1EACC040"


def tap(**data: Any) -> bytes:
    """Give a tap with other data; None takes a field out."""
    content = fields("event-tap")
    content["data"] = {key: value for key, value in (content["data"] | data).items() if value is not None}
    return packed(content)


def test_tap_without_badge_and_sun_is_refused_with_a_sentence() -> None:
    error = refused("event-tap", tap(badge=None))
    assert str(error) == "data: a tap has a 'badge', or a 'sun' message in place of it"
    assert (error.code, error.seq) == ("field", 4711)


def test_card_that_signs_its_taps_needs_no_badge() -> None:
    message = parsed("event-tap-sun")
    assert isinstance(message, Tap)
    assert (message.data.badge, message.data.epoch) == (None, 4)


@pytest.mark.parametrize(
    "data",
    [
        {"badge": NUMBER},
        {"was": NUMBER},
        {"badge": [NUMBER]},
        {"sun": {"picc": NUMBER, "cmac": "94eed9ee65337086"}},
        {"sun": {"picc": "ef963ff7828658a599f3041510671e88", "cmac": NUMBER}},
        {"sun": NUMBER},
    ],
)
def test_number_of_a_card_is_not_repeated_in_a_reason(data: dict[str, Any]) -> None:
    error = refused("event-tap", tap(**data))
    assert NUMBER not in str(error)
    assert f"data.{next(iter(data))}" in str(error)


def test_answer_with_an_unknown_verdict_names_the_known_ones() -> None:
    error = refused("cmd-answer", fields("cmd-answer", verdict="late"))
    assert "verdict: Input should be 'in', 'out'" in str(error)
    assert "(got 'late')" in str(error)


def test_unknown_command_is_told_by_name() -> None:
    error = refused("cmd-answer", fields("cmd-answer", type="dance"))
    assert (
        str(error) == "type: 'dance' is not a known command of version 1: use one of answer, forget, muster"
    )


def test_list_of_badges_may_be_larger_than_a_message_of_a_device() -> None:
    body = "x" * (MAX_PAYLOAD + 1)
    assert isinstance(parsed("config", fields("config", body=body)), SealedRoster)
    error = refused("config", fields("config", body="x" * MAX_ROSTER))
    assert (error.code, f"the limit is {MAX_ROSTER}" in str(error)) == ("too-large", True)


def test_signature_that_is_none_is_refused() -> None:
    assert "sig: String should match pattern" in str(refused("config", fields("config", sig="abc")))


def test_golden_list_is_read_from_the_body() -> None:
    sealed = parsed("config")
    assert isinstance(sealed, SealedRoster)
    roster = Roster.model_validate_json(sealed.body)
    assert [badge.revoked for badge in roster.badges.values()] == [False, True]
    assert roster.readers["counter"].purpose == "desk"


def example_roster() -> dict[str, Any]:
    ((_, sealed),) = examples()["SealedRoster"]
    assert isinstance(sealed, SealedRoster)
    found: dict[str, Any] = json.loads(sealed.body)
    return found


def test_older_device_takes_a_list_with_languages_and_verdicts_that_it_does_not_know() -> None:
    newer = example_roster()
    newer["texts"] |= {"sv": {"in": "Välkommen"}, "en": {"in": "Welcome", "waiting": "Wait"}}
    newer["crowded"] |= {"sv": "Välkommen, men fullt"}
    next(iter(newer["badges"].values()))["lang"] = "sv"
    roster = Roster.model_validate_json(json.dumps(newer))
    assert roster.texts["en"] == {"in": "Welcome"}
    assert set(roster.texts) == {"it", "en"}
    assert set(roster.crowded) == {"it"}
    assert [badge.lang for badge in roster.badges.values()] == [None]


@pytest.mark.parametrize(
    "wrong",
    [
        {"badges": {NUMBER: {}}},
        {"texts": []},
        {"texts": {"en": "Hello"}},
        {"unknown": "guess"},
        {"space": {"capacity": 0, "when_full": "warn"}},
        {"crowded": "full"},
    ],
)
def test_list_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Roster.model_validate_json(json.dumps(example_roster() | wrong))


def test_muster_is_read_back_equal() -> None:
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    entry = MusterEntry(name="Ada", space="lab", zone="east", since=at, badges=("6f" * 16,))
    snapshot = MusterSnapshot(at=at, inside=(entry,), people=(entry, entry))
    assert MusterSnapshot.model_validate_json(snapshot.encode()) == snapshot


def test_device_tells_the_age_of_its_list_and_its_readers() -> None:
    status, meta = parsed("status-roster"), parsed("meta-readers")
    assert isinstance(status, Status)
    assert isinstance(meta, Meta)
    assert status.roster_at is not None
    assert [reader.name for reader in meta.readers] == ["door", "counter"]
