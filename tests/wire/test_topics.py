import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubwell_wire.parse import BadMessageError, parse
from hubwell_wire.topics import BadTopicError, Channel, Topic, parse_topic, site_filter
from wire.strategies import QUICK

IDS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)


@QUICK
@given(site=IDS, device=IDS, channel=st.sampled_from(Channel))
def test_topic_is_taken_apart_as_it_was_built(site: str, device: str, channel: Channel) -> None:
    topic = Topic(site, device, channel)
    assert str(topic) == f"hub/v1/{site}/{device}/{channel.value}"
    assert parse_topic(str(topic)) == topic


@QUICK
@given(st.text(max_size=80) | st.text("hub/v1+#-ad\n\0", max_size=40).map("hub/v1/".__add__))
def test_any_text_is_a_topic_or_refused(text: str) -> None:
    try:
        assert str(parse_topic(text)) == text
    except BadTopicError as error:
        assert str(error)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "hub/v1/SITE/DEVICE"),
        ("hub/v1/hub/lab-pi", "hub/v1/SITE/DEVICE"),
        ("hub/v2/hub/lab-pi/status", "hub/v1/SITE/DEVICE"),
        ("/hub/v1/hub/lab-pi/status", "hub/v1/SITE/DEVICE"),
        ("$share/hubwell/hub/v1/hub/lab-pi/status", "hub/v1/SITE/DEVICE"),
        ("hub/v1/hub/lab-pi/up/telemetry/", "'up/telemetry/'"),
        ("hub/v1/hub/lab-pi/up/Telemetry", "'up/Telemetry'"),
        ("hub/v1/hub/lab-pi/up", "known: up/telemetry"),
        ("hub/v1/hub/lab-pi/", "known: up/telemetry"),
        ("hub/v1//lab-pi/status", "site ''"),
        ("hub/v1/hub//status", "device ''"),
        ("hub/v1/+/lab-pi/status", "site '+'"),
        ("hub/v1/hub/#/status", "device '#'"),
        ("hub/v1/hub/Lab/status", "device 'Lab'"),
        ("hub/v1/hub/-pi/status", "device '-pi'"),
        ("hub/v1/hub/lab_pi/status", "device 'lab_pi'"),
        ("hub/v1/hub/lab-pi\n/status", r"device 'lab-pi\n'"),
        ("hub/v1/hub\n/lab-pi/status", r"site 'hub\n'"),
        ("hub/v1/hub/lab\0/status", r"device 'lab\x00'"),
        ("hub/v1/hub/lab-\u0664/status", "device"),
        (f"hub/v1/hub/{'d' * 64}/status", "1 to 63"),
    ],
)
def test_bad_topic_is_refused_naming_the_part(text: str, words: str) -> None:
    with pytest.raises(BadTopicError) as caught:
        parse_topic(text)
    assert words in str(caught.value)


def test_reason_stays_short_for_a_long_topic() -> None:
    for text in ("x" * 65_000, f"hub/v1/hub/{'d' * 65_000}/status", f"hub/v1/hub/lab-pi/{'u' * 65_000}"):
        with pytest.raises(BadTopicError) as caught:
            parse_topic(text)
        assert len(str(caught.value)) < 400


@pytest.mark.parametrize("site", ["", "+", "#", "a/b", "Hub", "hub\n"])
def test_site_that_is_no_id_has_no_topics_and_no_filter(site: str) -> None:
    with pytest.raises(BadTopicError, match="site"):
        site_filter(site, Channel.STATUS)
    with pytest.raises(BadTopicError, match="site"):
        Topic(site, "lab-pi", Channel.STATUS)


def test_filter_holds_every_device_of_the_site() -> None:
    assert site_filter("hub", Channel.TELEMETRY) == "hub/v1/hub/+/up/telemetry"


@pytest.mark.parametrize("channel", list(Channel))
def test_every_channel_has_messages(channel: Channel) -> None:
    with pytest.raises(BadMessageError, match="Field required") as caught:
        parse(f"hub/v1/hub/lab-pi/{channel}", b"{}")
    assert (caught.value.code, caught.value.device) == ("field", "lab-pi")


def test_message_on_a_bad_topic_names_no_device() -> None:
    with pytest.raises(BadMessageError) as caught:
        parse("hub/v1/hub/Lab/status", b"{}")
    assert (caught.value.code, caught.value.device) == ("topic", None)
