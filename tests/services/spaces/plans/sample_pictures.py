"""Pictures of floors for tests, right ones and those that are made to do harm."""

import struct
import zlib
from io import BytesIO

import pypdfium2
from PIL import Image, ImageDraw

SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 200">
<rect id="wall" x="10" y="10" width="280" height="180" fill="none" stroke="black" stroke-width="4"/>
<text x="150" y="100">Hall</text>
</svg>"""


def floor(width: int = 600, height: int = 400, mode: str = "RGB") -> Image.Image:
    """Return a floor with two rooms, black on white."""
    image = Image.new(mode, (width, height), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((10, 10, width // 2, height - 10), outline="black", width=4)
    draw.rectangle((width // 2, 10, width - 10, height - 10), outline="black", width=4)
    return image


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def png(width: int = 600, height: int = 400) -> bytes:
    return saved(floor(width, height))


def pdf(pages: int = 1, width: float = 842, height: float = 595) -> bytes:
    """Return a PDF; its last page is narrower than the others."""
    document = pypdfium2.PdfDocument.new()
    for number in range(pages):
        document.new_page(width if number < pages - 1 or pages == 1 else width / 2, height)
    out = BytesIO()
    document.save(out)
    document.close()
    return out.getvalue()


def locked_pdf() -> bytes:
    """Return a PDF that nobody opens without a password."""
    parts = [
        b"%PDF-1.4\n",
        b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n",
        b"2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n",
        b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]>>\nendobj\n",
        b"4 0 obj\n<</Filter/Standard/V 1/R 2/O<" + b"41" * 32 + b">/U<" + b"42" * 32 + b">/P -4>>\nendobj\n",
    ]
    places = [sum(map(len, parts[:number])) for number in range(1, len(parts))]
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"<</Size 5/Root 1 0 R/Encrypt 4 0 R/ID[<" + b"43" * 16 + b"><" + b"43" * 16 + b">]>>"
    whole = b"".join(parts)
    start = b"%d" % len(whole)
    return (
        whole
        + b"xref\n0 5\n0000000000 65535 f \n"
        + table
        + b"trailer"
        + trailer
        + b"\nstartxref\n"
        + start
        + b"\n%%EOF"
    )


def chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_of_zeros(width: int, height: int, *extra: bytes) -> bytes:
    """Return a black PNG of any size in a thousandth of it; from 100 million pixels on without most."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    rows = height if width * height < 100_000_000 else 1
    packer = zlib.compressobj(9)
    content = b"".join(packer.compress(bytes(width + 1)) for _ in range(rows)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def svg(inside: str = "", root: str = 'viewBox="0 0 300 200"', before: str = "") -> bytes:
    """Return a drawing with this content."""
    namespaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f"{before}<svg {namespaces} {root}>\n{inside}\n</svg>".encode()
