from typing import get_args
from uuid import UUID

import pytest

from hubwell.presence.reader_messages import message_for, texts_for_roster
from hubwell_wire.commands import Answer
from hubwell_wire.enumerations import Language, Verdict
from hubwell_wire.fields import MAX_DETAIL

LANGUAGES = get_args(Language)
VERDICTS = get_args(Verdict)


def test_every_verdict_is_a_sentence_in_every_language() -> None:
    texts = texts_for_roster()
    assert set(texts) == set(LANGUAGES)
    for language, sentences in texts.items():
        assert set(sentences) == set(VERDICTS), language
        assert all(0 < len(text) <= MAX_DETAIL and text.endswith(".") for text in sentences.values()), (
            language
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_said_fits_the_contract(language: Language) -> None:
    said = [message_for(verdict, language) for verdict in VERDICTS]
    said += [message_for("in", language, "crowded"), message_for("refused", language, "two-places")]
    assert len(set(said)) == len(said), "each says something of its own"
    for text in said:
        Answer.model_validate_json(
            Answer(v=1, type="answer", boot=UUID(int=7), seq=1, verdict="in", text=text).encode()
        )


def test_code_is_shown_as_it_is_typed() -> None:
    for language in LANGUAGES:
        assert "ABCD-2345" in message_for("code", language, code="ABCD-2345")
    assert "ABCD-2345" not in message_for("code", "en")
