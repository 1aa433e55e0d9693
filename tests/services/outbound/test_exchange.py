"""One exchange with another server: its limits, and the name of what went wrong."""

import gzip
import resource
import ssl
import subprocess
from pathlib import Path

import pytest

from feed.bad_servers import (
    Answer,
    bad_server,
    drip_body,
    drip_headers,
    endless_body,
    hang,
    raw,
    status,
    text,
)
from hubwell.outbound.exchange import ExchangeError, ExchangeFailure, Limits, exchange

LIMITS = Limits(seconds=1.5, body_bytes=100_000)


async def fails(answer: Answer, **more: object) -> ExchangeError:
    async with bad_server(answer) as server:
        with pytest.raises(ExchangeError) as caught:
            await exchange("GET", server.url + "?key=secret", limits=LIMITS, **more)  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("answer", [hang, drip_headers, drip_body], ids=["hangs", "headers", "body"])
async def test_whole_exchange_has_one_deadline(answer: Answer) -> None:
    error = await fails(answer)
    assert (error.failure, str(error)) == ("too-slow", "127.0.0.1 took longer than 1.5 s")


async def test_long_body_ends_the_exchange_at_its_limit() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    error = await fails(endless_body)
    assert (error.failure, str(error)) == ("too-large", "127.0.0.1 sent more than 100000 bytes")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (text(gzip.compress(bytes(10_000_000)), "Content-Encoding: gzip"), "not-http"),
        (status("302 Found", "Location: /alerts"), "redirect"),
        (status("308 Permanent Redirect", "Location: http://127.0.0.1:1/"), "redirect"),
        (raw(b"220 mail.example ESMTP\r\n\r\n"), "not-http"),
        (raw(b""), "unreachable"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), "unreachable"),
        (raw(b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 300_000), "not-http"),
    ],
    ids=["compressed", "circle", "elsewhere", "mail", "nothing", "half", "long header"],
)
async def test_what_is_wrong_with_an_answer_is_named(answer: Answer, failure: ExchangeFailure) -> None:
    assert (await fails(answer)).failure == failure


async def test_body_that_fits_is_the_answer_whatever_its_status() -> None:
    body = b"a" * LIMITS.body_bytes
    answered = text(body, "Content-Type: Text/Plain; charset=utf-8", line="404 Not Found")
    async with bad_server(answered) as server:
        answer = await exchange("GET", server.url, limits=LIMITS)
    assert (answer.status, answer.is_success, answer.media_type) == (404, False, "text/plain")
    assert answer.body == body


@pytest.mark.parametrize(
    ("url", "failure"),
    [
        ("http://127.0.0.1:9/", "unreachable"),
        ("http://no-such-host.invalid/", "unreachable"),
        ("http://" + "a" * 70 + ".example/", "unreachable"),
        ("ftp://127.0.0.1/", "not-http"),
        ("http://127.0.0.1:99999/", "not-http"),
        ("//", "not-http"),
    ],
)
async def test_address_without_a_server_is_one_failure(url: str, failure: ExchangeFailure) -> None:
    with pytest.raises(ExchangeError) as caught:
        await exchange("GET", url, limits=LIMITS)
    assert caught.value.failure in {failure, "not-http"}


async def test_header_that_cannot_be_sent_is_not_repeated() -> None:
    error = await fails(hang, headers={"Authorization": "Bearer secret\n"})
    assert str(error) == "127.0.0.1: the request could not be written"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate that only its own authority vouches for; give that, and the server's side."""
    folder = tmp_path_factory.mktemp("tls")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-keyout", "key.pem", "-out", "ca.pem", "-days", "1", "-subj", "/CN=school"]
    subprocess.run(
        [*command, "-addext", "subjectAltName=IP:127.0.0.1"], cwd=folder, check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return folder / "ca.pem", context


async def test_private_authority_is_trusted_where_its_file_is_given(
    authority: tuple[Path, ssl.SSLContext],
) -> None:
    ca_file, context = authority
    async with bad_server(text(b"{}"), context) as server:
        with pytest.raises(ExchangeError) as caught:
            await exchange("GET", server.url, limits=LIMITS)
        answer = await exchange("GET", server.url, limits=LIMITS, ca_file=ca_file)
    assert (caught.value.failure, str(caught.value)) == ("certificate", "127.0.0.1: self-signed certificate")
    assert answer.json() == {}


async def test_server_over_tls_that_hangs_ends_too(authority: tuple[Path, ssl.SSLContext]) -> None:
    ca_file, context = authority
    async with bad_server(drip_body, context) as server:
        with pytest.raises(ExchangeError, match=r"longer than 1\.5 s"):
            await exchange("GET", server.url, limits=LIMITS, ca_file=ca_file)


async def test_authority_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(ExchangeError, match=name) as caught:
            await exchange("GET", "https://127.0.0.1:9/", limits=LIMITS, ca_file=tmp_path / name)
        assert caught.value.failure == "certificate"
