"""Turn a PNG, a JPEG or a page of a PDF into a picture of a size that pages can show.

Runs in a process of its own (`decode`). What is returned is encoded again: nothing of the file is in it,
neither what follows its end nor what it notes of camera and place.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps, ImageStat

from hubwell.errors import DomainError
from hubwell.spaces.plans import errors
from hubwell.spaces.plans.formats import LARGEST_SIDE, LARGEST_STORED, check_shape, scaled

MOST_MILLION_PIXELS: Final = 25
LONGEST_SIDE: Final = 12_000
"""Pixels of an uploaded picture."""
LEAST_SIDE: Final = 100
MOST_PAGES: Final = 100
_ENOUGH: Final = 700_000
"""Bytes up to which a picture is stored without loss."""
_QUALITIES: Final = (85, 60, 30)
_PAPER: Final = 150
"""Mean brightness, of 255, from which a picture counts as paper with lines on it."""
_PASSWORD_NEEDED: Final = 4
"""FPDF_ERR_PASSWORD of fpdfview.h."""


@dataclass(frozen=True, slots=True)
class Raster:
    """A picture as WebP."""

    content: bytes
    width: int
    height: int
    is_paper: bool


def from_picture(content: bytes) -> Raster:
    """Return a PNG or JPEG as a picture of the page. Raises DomainError."""
    Image.MAX_IMAGE_PIXELS = None  # checked here, with a sentence of our own
    try:
        with Image.open(BytesIO(content), formats=("PNG", "JPEG")) as opened:
            _check_size(*opened.size)
            opened.draft("RGB", (LARGEST_SIDE, LARGEST_SIDE))
            opened.load()
            ImageOps.exif_transpose(opened, in_place=True)
            return _stored(_scaled(opened))
    except (OSError, SyntaxError, ValueError, EOFError):  # what Pillow raises for damaged files
        raise DomainError(errors.PICTURE_DAMAGED) from None


def from_pdf(content: bytes, number: int) -> Raster:
    """Return a page of a PDF as a picture. Raises DomainError."""
    import pypdfium2  # noqa: PLC0415 - its library is loaded for PDFs only

    try:
        document = pypdfium2.PdfDocument(content)
        pages = len(document)
        if pages > MOST_PAGES:
            raise DomainError(errors.PDF_TOO_LONG, pages=pages, most=MOST_PAGES)
        if not 1 <= number <= pages:
            raise DomainError(errors.PDF_PAGE_MISSING, value=number, pages=pages)
        page = document[number - 1]
        across, down = page.get_size()
        if across <= 0 or down <= 0:
            raise DomainError(errors.PICTURE_DAMAGED)
        check_shape(across, down)
        image = page.render(scale=LARGEST_SIDE / max(across, down), may_draw_forms=False).to_pil()
    except pypdfium2.PdfiumError as error:
        kind = errors.PDF_LOCKED if error.err_code == _PASSWORD_NEEDED else errors.PICTURE_DAMAGED
        raise DomainError(kind) from None
    return _stored(_scaled(image))


def _check_size(width: int, height: int) -> None:
    if max(width, height) > LONGEST_SIDE or width * height > MOST_MILLION_PIXELS * 1_000_000:
        limits = {"most": MOST_MILLION_PIXELS, "side": LONGEST_SIDE}
        raise DomainError(errors.PICTURE_TOO_WIDE, width=width, height=height, **limits)
    if min(width, height) < LEAST_SIDE:
        raise DomainError(errors.PICTURE_TOO_SMALL, width=width, height=height, least=LEAST_SIDE)
    check_shape(width, height)


def _scaled(image: Image.Image) -> Image.Image:
    """Return the picture in its final size, in colours, on white."""
    if image.mode.startswith("I"):  # 16 bits of grey
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode == "1":
        image = image.convert("L")
    elif image.mode not in {"L", "RGB", "RGBA"}:
        has_alpha = image.mode in {"LA", "PA", "La"} or "transparency" in image.info
        image = image.convert("RGBA" if has_alpha else "RGB")
    size = scaled(*image.size, enlarge=False)
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    if image.mode != "RGBA":
        return image.convert("RGB")
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def _stored(image: Image.Image) -> Raster:
    brightness = ImageStat.Stat(image.convert("L")).mean[0]
    return Raster(_written(image), image.width, image.height, brightness >= _PAPER)


def _written(image: Image.Image) -> bytes:
    """Return the picture without loss if that is small, as lines on paper are, else as a photograph."""
    written = _webp(image, lossless=True, quality=50, method=2)
    if len(written) <= _ENOUGH:
        return written
    for quality in _QUALITIES:
        written = _webp(image, quality=quality, method=4)
        if len(written) <= LARGEST_STORED:
            return written
    raise DomainError(errors.PICTURE_TOO_COSTLY)


def _webp(image: Image.Image, **options: int) -> bytes:
    out = BytesIO()
    image.save(out, "WEBP", **options)
    return out.getvalue()
