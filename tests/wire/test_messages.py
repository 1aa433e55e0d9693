import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import RFC_4122

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hubwell_wire.fields import WireModel, as_text
from hubwell_wire.messages import FaultData, Reading, Receipt, Status, Telemetry, new_message_id
from hubwell_wire.units import QUANTITIES, UNITS, UnitError, check_series, quantity_of, unit_problem
from wire.golden_messages import BOOT, fields, parsed
from wire.strategies import BY_NAME, NAMED, QUICK, TIMES, VALUES, series


@pytest.mark.parametrize("name", BY_NAME)
@QUICK
@given(data=st.data())
def test_written_message_is_read_back_equal(name: str, data: st.DataObject) -> None:
    message = data.draw(BY_NAME[name])
    assert parsed(name, message.encode()) == message


@QUICK
@given(NAMED)
def test_written_message_leaves_defaults_out(named: tuple[str, WireModel]) -> None:
    def check(model: WireModel, written: dict[str, Any]) -> None:
        for field, about in type(model).model_fields.items():
            value = getattr(model, field)
            assert (field in written) == (about.is_required() or value != about.default)
            inner = value if isinstance(value, tuple) else (value,)
            texts = written.get(field) if isinstance(value, tuple) else [written.get(field)]
            for part, text in zip(inner, texts or [], strict=False):
                if isinstance(part, WireModel):
                    check(part, text)

    check(named[1], json.loads(named[1].encode()))


@QUICK
@given(VALUES)
def test_value_arrives_exactly(value: float) -> None:
    message = Telemetry(**envelope(), r=(Reading(s="scd41/co2", v=value, u="ppm"),))
    read = parsed("telemetry", message.encode())
    assert isinstance(read, Telemetry)
    assert read.r[0].v.hex() == value.hex()


@QUICK
@given(TIMES)
def test_time_arrives_to_the_millisecond(time: datetime) -> None:
    written = Status(v=1, state="online", ts=time).encode()
    assert json.loads(written)["ts"].endswith("Z")
    read = parsed("status", written)
    assert isinstance(read, Status)
    assert read.ts == time


def test_time_without_a_place_in_utc_is_written_all_the_same() -> None:
    east = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    status = Status(v=1, state="online", ts=east)
    assert json.loads(status.encode())["ts"] == "0001-01-01T00:00:00.000+14:00"
    assert parsed("status", status.encode()) == status


def envelope() -> dict[str, Any]:
    return parsed("telemetry").model_dump(exclude={"r"})


SURROGATES = st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010)
NAIVE = datetime(2026, 11, 22)  # noqa: DTZ001 - it is the mistake


@pytest.mark.parametrize(
    "wrong", [{"ts": NAIVE}, {"ts": 5}, {"seq": 1.0}, {"seq": 0}, {"clock": "?"}, {"v": True}]
)
def test_wrong_message_cannot_be_made_either(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Telemetry(**{**envelope(), "r": (Reading(s="scd41/co2", v=1.0, u="ppm"),), **wrong})


def test_messages_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        parsed("telemetry").seq = 1  # type: ignore[union-attr, misc]  # what is tried here


def test_offsets_of_a_batch_are_told() -> None:
    message = parsed("telemetry")
    assert isinstance(message, Telemetry)
    assert message.offsets_ms() == (-1500, 250)


@QUICK
@given(
    upto=st.integers(0, 30),
    spans=st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)).map(sorted), max_size=4),
)
def test_receipt_covers_what_is_below_and_what_is_in_its_ranges(upto: int, spans: list[list[int]]) -> None:
    receipt = parsed("ack", fields("ack", upto=upto, ranges=spans))
    assert isinstance(receipt, Receipt)
    covered = {*range(1, upto + 1), *(n for first, last in spans for n in range(first, last + 1))}
    assert {n for n in range(1, 62) if receipt.covers(n)} == covered


def test_receipt_that_says_nothing_covers_nothing() -> None:
    receipt = Receipt(v=1, boot=BOOT, upto=0)  # type: ignore[arg-type]  # text is read as a UUID
    assert not any(receipt.covers(number) for number in (1, 2, 2**62))


def test_new_id_is_a_uuid_of_version_7_with_the_time_in_front() -> None:
    for now_ms in (0, 1, 1_795_381_445_123, 2**48 - 1):
        id_ = new_message_id(now_ms)
        assert (id_.version, id_.variant) == (7, RFC_4122)
        assert id_.int >> 80 == now_ms


@QUICK
@given(st.lists(st.integers(0, 2**48 - 1), unique=True, min_size=2, max_size=20))
def test_new_ids_are_ordered_by_time(times: list[int]) -> None:
    assert sorted(times) == [id_.int >> 80 for id_ in sorted(map(new_message_id, times))]


def test_new_ids_of_one_moment_differ() -> None:
    assert len({new_message_id(5) for _ in range(1000)}) == 1000


def test_new_id_takes_the_clock_of_the_machine() -> None:
    before = datetime.now(UTC)
    taken = datetime.fromtimestamp((new_message_id().int >> 80) / 1000, UTC)
    assert before - timedelta(milliseconds=1) <= taken <= datetime.now(UTC)


@QUICK
@given(st.text(max_size=400) | st.text(SURROGATES, max_size=9))
def test_any_text_becomes_words_that_a_fault_may_say(text: str) -> None:
    words = as_text(text)
    assert FaultData(part="scd41", state="error", detail=words).detail == words
    assert len(words) == min(len(text), 300)


@pytest.mark.parametrize(
    ("text", "words"),
    [("plain\nwords\t5", "plain\nwords\t5"), ("a\0b\x1b[0m", "a?b?[0m"), ("\udcff\u202e", "??"), ("", "")],
)  # fmt: skip
def test_only_control_characters_are_replaced(text: str, words: str) -> None:
    assert as_text(text) == words


def test_every_quantity_has_a_known_unit() -> None:
    assert set(QUANTITIES.values()) <= set(UNITS)


@QUICK
@given(series())
def test_fitting_series_passes(named: tuple[str, str]) -> None:
    check_series(*named)
    assert unit_problem(*named) is None


@QUICK
@given(series(), st.sampled_from(sorted(UNITS)))
def test_quantity_with_another_unit_is_refused(named: tuple[str, str], unit: str) -> None:
    expected = QUANTITIES.get(quantity_of(named[0]), unit)
    if unit == expected:
        check_series(named[0], unit)
    else:
        with pytest.raises(UnitError, match=named[0]):
            check_series(named[0], unit)
