"""An uploaded file becomes a picture drawn anew, or is refused in words, by a process that can do no harm."""

import subprocess
import sys
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from hubwell.errors import DomainError
from hubwell.spaces.plans import decode, pictures, raster, rules
from hubwell.spaces.plans.formats import LARGEST_BYTES
from services.spaces.plans.sample_pictures import (
    SVG,
    chunk,
    floor,
    locked_pdf,
    pdf,
    png,
    png_of_zeros,
    saved,
    svg,
)

NOTE = b"<script>alert('polyglot')</script>PK\x03\x04"


def image_of(picture: pictures.Picture) -> Image.Image:
    assert picture.media_type == "image/webp"
    with Image.open(BytesIO(picture.content)) as opened:
        opened.load()
        return opened.convert("RGB")


def refusal(content: bytes, **values: Any) -> DomainError:
    with pytest.raises(DomainError) as refused:
        pictures.read(content, **values)
    return refused.value


@pytest.mark.parametrize(
    ("content", "named", "size"),
    [
        pytest.param(png(), "floor.png", (600, 400), id="png"),
        pytest.param(png(3000, 1500), "FLOOR.PNG", (2400, 1200), id="large png"),
        pytest.param(saved(floor(), "JPEG"), "floor.jpeg", (600, 400), id="jpeg"),
        pytest.param(pdf(), "floor.pdf", (2400, 1696), id="pdf"),
        pytest.param(SVG, "floor.svg", (2400, 1600), id="svg"),
        pytest.param(b"\xef\xbb\xbf<!--x-->" + SVG, "", (2400, 1600), id="svg without a name"),
        pytest.param(png(), "image/png", (600, 400), id="by its media type"),
        pytest.param(png(), "application/octet-stream", (600, 400), id="by no media type"),
    ],
)
def test_each_type_becomes_a_picture(content: bytes, named: str, size: tuple[int, int]) -> None:
    picture = pictures.read(content, named=named)
    assert (picture.width, picture.height) == size
    assert picture.is_paper
    if content == SVG or b"<svg" in content[:20]:
        assert picture.media_type == "image/svg+xml"
    else:
        assert image_of(picture).size == size


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_every_kind_of_png_keeps_its_lines_on_white(mode: str) -> None:
    image = floor().convert("I").point(lambda value: value * 257).convert("I;16") if mode == "I;16" else None
    picture = image_of(pictures.read(saved(image or floor().convert(mode))))
    assert picture.getpixel((11, 200)) == (0, 0, 0)
    assert picture.getpixel((100, 200)) == (255, 255, 255)


def test_transparent_paper_is_white_and_a_photograph_is_no_paper() -> None:
    clear = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
    assert image_of(pictures.read(saved(clear))).getpixel((5, 5)) == (255, 255, 255)
    assert not pictures.read(saved(Image.new("RGB", (200, 200), (60, 70, 80)))).is_paper


def test_camera_notes_are_gone_and_its_rotation_is_applied() -> None:
    notes = Image.Exif()
    notes[0x0112] = 6  # turned by a quarter
    notes[0x010E] = "Ada at home"
    picture = pictures.read(saved(floor(), "JPEG", exif=notes))
    assert (picture.width, picture.height) == (400, 600)
    assert b"Ada" not in picture.content


@pytest.mark.parametrize("content", [png() + NOTE, saved(floor(), "JPEG") + NOTE, pdf() + NOTE])
def test_nothing_of_a_file_that_is_two_things_is_kept(content: bytes) -> None:
    assert b"alert" not in pictures.read(content).content


def test_page_of_a_pdf_is_chosen() -> None:
    wide, narrow = (pictures.read(pdf(3), page=page) for page in ("", "3"))
    assert wide.width > wide.height
    assert narrow.width < narrow.height


TEXT_BOMB = chunk(b"zTXt", b"note\0\0" + __import__("zlib").compress(bytes(100_000_000), 9))


@pytest.mark.parametrize(
    ("content", "named", "code", "words"),
    [
        pytest.param(b"", "floor.png", "picture-missing", "SVG, PNG or JPEG", id="empty"),
        pytest.param(b"GIF89a", "floor.gif", "picture-unknown", "no SVG, PNG, JPEG or PDF", id="gif"),
        pytest.param(b"MZ\x90", "floor.png", "picture-unknown", "whatever its name", id="program"),
        pytest.param(b"<!DOCTYPE html><p>", "floor.svg", "picture-unknown", "no SVG", id="page"),
        pytest.param(
            png(), "floor.svg", "picture-misnamed", 'type PNG, but was sent as "floor.svg"', id="png as svg"
        ),
        pytest.param(
            SVG, "floor.png", "picture-misnamed", 'type SVG, but was sent as "floor.png"', id="svg as png"
        ),
        pytest.param(pdf(), "image/png", "picture-misnamed", "type PDF", id="pdf as image/png"),
        pytest.param(png()[:-200], "floor.png", "picture-damaged", "incomplete", id="half png"),
        pytest.param(saved(floor(), "JPEG")[:900], "", "picture-damaged", "incomplete", id="half jpeg"),
        pytest.param(pdf()[:100], "", "picture-damaged", "incomplete", id="half pdf"),
        pytest.param(b"%PDF-1.7\n" + bytes(500), "", "picture-damaged", "damaged", id="no pdf"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(500), "", "picture-damaged", "damaged", id="no png"),
        pytest.param(png_of_zeros(40_000, 40_000), "", "picture-too-wide", "40000 x 40000", id="40,000 px"),
        pytest.param(png_of_zeros(40_000, 200), "", "picture-too-wide", "12000 at a side", id="wide"),
        pytest.param(png_of_zeros(5100, 5100), "", "picture-too-wide", "25 million", id="26 million pixels"),
        pytest.param(png(600, 40), "", "picture-too-small", "600 x 40", id="small"),
        pytest.param(png(2000, 120), "", "picture-too-long", "8 times", id="stripe"),
        pytest.param(png_of_zeros(300, 200, TEXT_BOMB), "", "picture-damaged", "damaged", id="bomb of text"),
        pytest.param(locked_pdf(), "floor.pdf", "pdf-locked", "encrypted", id="encrypted"),
        pytest.param(pdf(1000), "floor.pdf", "pdf-too-long", "1000 pages, more than 100", id="1,000 pages"),
        pytest.param(svg("<script/>"), "floor.svg", "svg-element", '"script" (line 2)', id="script"),
        pytest.param(svg("<g onload='x()'/>"), "", "svg-handler", "onload", id="handler"),
        pytest.param(
            svg(before="<!DOCTYPE svg [<!ENTITY a 'a'>]>"), "", "svg-declares", "entities", id="entity"
        ),
    ],
)
def test_bad_file_is_refused_in_words(content: bytes, named: str, code: str, words: str) -> None:
    error = refusal(content, named=named)
    assert error.code == code
    assert words in str(error)


@pytest.mark.parametrize(
    ("page", "code"), [("2", "pdf-page-missing"), ("0", "pdf-page-missing"), ("x", "page-unreadable")]
)
def test_page_that_is_not_there_is_refused(page: str, code: str) -> None:
    assert refusal(pdf(), page=page).code == code


def test_file_of_more_than_ten_megabytes_is_refused_before_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subprocess, "run", None)
    assert refusal(png() + bytes(LARGEST_BYTES)).code == "picture-too-large"


def test_black_picture_of_the_most_pixels_is_read_within_the_limits() -> None:
    picture = pictures.read(png_of_zeros(5000, 5000))
    assert (picture.width, picture.height) == (2400, 2400)


def test_noise_is_stored_with_loss() -> None:
    noise = Image.effect_noise((2400, 2400), 200)
    picture = pictures.read(saved(noise, compress_level=0))
    assert len(picture.content) <= 4 * 1024 * 1024


def test_picture_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_PATIENCE_S", 0.001)
    assert refusal(png()).code == "picture-too-costly"


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "picture-too-costly"),
        ("raise SystemExit(1)", "picture-damaged"),
        ("print('not json')", "picture-damaged"),
        ('print(\'{"refused": "no-such", "values": {}}\')', "picture-damaged"),
        ('print(\'{"media_type": "text/html", "width": 1, "height": 1, "is_paper": 1}\')', "picture-damaged"),
    ],
)
def test_process_that_a_file_got_the_better_of_is_a_refusal(
    program: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = subprocess.run

    def instead(_: Any, **options: Any) -> Any:
        return run([sys.executable, "-c", program], **options)

    monkeypatch.setattr(subprocess, "run", instead)
    assert refusal(png()).code == code


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param("bytearray(2**30)", id="memory"),
        pytest.param("open(sys.argv[1], 'wb', buffering=0).write(b'x')", id="files"),
        pytest.param("[open('/dev/null') for _ in range(100)]", id="open files"),
    ],
)
def test_process_has_limits(wanted: str, tmp_path: Any) -> None:
    code = "import sys; from hubwell.spaces.plans import decode; decode._limit()\n" + wanted
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "written")],
        env={"PYTHONPATH": ":".join(sys.path)},
        stderr=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode != 0
    assert not (tmp_path / "written").exists() or (tmp_path / "written").stat().st_size == 0


def test_process_gets_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBWELL_DATABASE_URL", "postgresql://secret")
    seen = {}
    run = subprocess.run

    def watched(*words: Any, **options: Any) -> Any:
        seen.update(options["env"])
        return run(*words, **options)

    monkeypatch.setattr(subprocess, "run", watched)
    pictures.read(png())
    assert seen.keys() == {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
    assert decode.MEMORY_BYTES < 2**30
    assert raster.MOST_PAGES == 100


@pytest.mark.parametrize(
    ("x", "y", "codes"),
    [
        ("12,5", "40", []),
        (" 0 ", "100", []),
        ("99.999", "+0", []),
        ("101", "50", ["x-unreadable"]),
        ("50", "-0.1", ["y-unreadable"]),
        ("left", "", ["x-unreadable", "y-unreadable"]),
        ("NaN", "1e2", ["x-unreadable", "y-unreadable"]),
        ("١٢", "½", ["x-unreadable", "y-unreadable"]),
    ],
)
def test_typed_coordinates(x: str, y: str, codes: list[str]) -> None:
    if not codes:
        point = rules.point(x, y)
        assert 0 <= point.x <= 100
        assert 0 <= point.y <= 100
        return
    with pytest.raises(DomainError) as refused:
        rules.point(x, y)
    assert [error.code for error in (refused.value, *refused.value.also)] == codes


def test_comma_is_a_decimal_sign() -> None:
    assert str(rules.point("12,5", "7").x) == "12.50"
