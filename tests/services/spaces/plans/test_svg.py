"""What stays of an SVG, and what is refused by name and line."""

import re
from xml.etree import ElementTree as ET

import pytest

from hubwell.errors import DomainError
from hubwell.spaces.plans import svg
from services.spaces.plans.sample_pictures import SVG
from services.spaces.plans.sample_pictures import svg as drawing

BOX = 'viewBox="0 0 300 200"'


def cleaned(content: bytes) -> str:
    text = svg.clean(content).content.decode()
    ET.fromstring(text)  # noqa: S314 (what was written here is well-formed)
    return text


def refusal(content: bytes) -> DomainError:
    with pytest.raises(DomainError) as refused:
        svg.clean(content)
    return refused.value


def test_shapes_and_text_stay_on_white_paper() -> None:
    text = cleaned(SVG)
    assert '<rect x="0" y="0" width="300" height="200" fill="#fff"' in text
    assert (
        '<rect id="wall" x="10" y="10" width="280" height="180" fill="none" stroke="black" stroke-width="4">'
        in text
    )
    assert '<text x="150" y="100">Hall</text>' in text
    assert text.startswith(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 200" width="2400" height="1600">'
    )


@pytest.mark.parametrize(
    ("inside", "code", "named"),
    [
        pytest.param("<script>alert(1)</script>", "svg-element", "script", id="script"),
        pytest.param('<script href="data:,alert(1)"/>', "svg-element", "script", id="script elsewhere"),
        pytest.param(
            "<foreignObject><p/></foreignObject>", "svg-element", "foreignObject", id="foreignObject"
        ),
        pytest.param('<image href="https://elsewhere.example/a.png"/>', "svg-element", "image", id="image"),
        pytest.param('<a href="javascript:alert(1)"><path/></a>', "svg-element", "a", id="link"),
        pytest.param('<animate attributeName="href" to="x"/>', "svg-element", "animate", id="animation"),
        pytest.param('<filter id="f"/>', "svg-element", "filter", id="filter"),
        pytest.param("<style><g/></style>", "svg-element", "g", id="element in a style"),
        pytest.param('<g onclick="alert(1)"/>', "svg-handler", "onclick", id="handler"),
        pytest.param('<g ONLOAD="alert(1)"/>', "svg-handler", "ONLOAD", id="handler in capitals"),
        pytest.param(
            '<use href="https://elsewhere.example/a.svg#x"/>', "svg-reference", "elsewhere", id="use"
        ),
        pytest.param('<use xlink:href="//elsewhere.example#x"/>', "svg-reference", "elsewhere", id="xlink"),
        pytest.param('<use href="data:image/svg+xml,x"/>', "svg-reference", "data:", id="data"),
        pytest.param(
            '<g fill="url(https://elsewhere.example/x#p)"/>', "svg-reference", "elsewhere", id="fill"
        ),
        pytest.param(
            "<g style=\"fill:url( '//elsewhere.example' )\"/>", "svg-reference", "elsewhere", id="style"
        ),
        pytest.param('<g style="fill:u\\72l(x)"/>', "svg-style", "\\", id="escape"),
        pytest.param('<g style="width:expression(alert(1))"/>', "svg-style", "expression()", id="expression"),
        pytest.param("<style>@import 'https://elsewhere.example';</style>", "svg-style", "@", id="import"),
        pytest.param(
            "<style>g{fill:image-set('x.png' 1x)}</style>", "svg-style", "image-set()", id="image-set"
        ),
        pytest.param("<style>g{fill:u/*</style>", "svg-style", "/*", id="open comment"),
        pytest.param(
            '<pattern id="p"><g/></pattern><style>g{fill:url(#p)}</style>',
            "svg-style",
            "url(#p)",
            id="pattern",
        ),
    ],
)
def test_what_could_act_is_refused_and_named_with_its_line(inside: str, code: str, named: str) -> None:
    error = refusal(drawing(f"<path/>\n{inside}"))
    assert error.code == code
    assert named in str(error)
    assert "(line 3)" in str(error)


@pytest.mark.parametrize(
    "before",
    [
        '<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE svg [<!ENTITY % p SYSTEM "https://elsewhere.example/x.dtd"> %p;]>',
        "<!DOCTYPE svg []>",
    ],
)
def test_entities_are_refused_before_they_grow(before: str) -> None:
    assert refusal(drawing("<text>&x;</text>", before=before)).code == "svg-declares"


def test_usual_declaration_of_the_type_is_read_without_its_file() -> None:
    usual = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://127.0.0.1:9/svg11.dtd">'
    assert "<path" in cleaned(drawing("<path/>", before=usual))
    assert refusal(drawing("<text>&x;</text>", before=usual)).code == "svg-declares"


def test_what_draws_nothing_is_left_out() -> None:
    text = cleaned(
        drawing(
            '<metadata><r:RDF xmlns:r="urn:r"><r:x/></r:RDF></metadata><title>Secret project</title>'
            '<h:script xmlns:h="http://www.w3.org/1999/xhtml">alert(1)</h:script>'
            '<g data-owner="Ada" i:label="Layer" xmlns:i="urn:i" class="wall" id="w"><path d="M0 0"/></g>'
            "<!-- a note --> loose words",
            before='<?xml version="1.0"?><?xml-stylesheet href="https://elsewhere.example/x.css"?>',
        )
    )
    for word in ("metadata", "RDF", "Secret", "alert", "Ada", "Layer", "note", "loose", "elsewhere"):
        assert word not in text, word
    assert '<g class="wall" id="w"><path d="M0 0"></path></g>' in text


def test_styles_and_references_within_the_drawing_stay() -> None:
    text = cleaned(
        drawing(
            '<defs><linearGradient id="l"><stop offset="0"/></linearGradient><g id="door"><path/></g></defs>'
            "<style>/* walls */ .wall, g &gt; path { fill: url(#l); stroke: rgb(0, 0, 0) }</style>"
            '<use xlink:href="#door" x="5"/><g style="fill:url(#l);stroke:none"/>'
        )
    )
    assert '<use href="#door" x="5">' in text
    assert ".wall, g &gt; path { fill: url(#l); stroke: rgb(0, 0, 0) }" in text
    assert "walls" not in text
    assert 'style="fill:url(#l);stroke:none"' in text


def test_repetitions_are_counted_before_a_browser_draws_them() -> None:
    levels = "".join(f'<g id="g{n}">' + f'<use href="#g{n - 1}"/>' * 10 + "</g>" for n in range(1, 10))
    assert refusal(drawing(f'<g id="g0"><path/></g>{levels}')).code == "svg-too-large"
    assert "<use" in cleaned(drawing('<g id="g0"><path/></g>' + levels[: levels.index("</g>") + 4]))


@pytest.mark.parametrize(
    "inside",
    [
        '<g id="a"><use href="#a"/></g>',
        '<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>',
        '<pattern id="p"><path fill="url(#p)"/></pattern><path fill="url(#p)"/>',
    ],
)
def test_endless_repetition_is_refused(inside: str) -> None:
    assert refusal(drawing(inside)).code == "svg-too-large"


def test_many_and_deeply_nested_elements_are_refused() -> None:
    assert refusal(drawing("<path/>" * (svg.MOST_ELEMENTS + 1))).code == "svg-too-large"
    assert refusal(drawing("<g>" * 200 + "</g>" * 200)).code == "svg-too-large"
    assert refusal(drawing("<!--" + "x" * 3_200_000 + "-->")).code == "svg-too-large"


@pytest.mark.parametrize(
    ("root", "size"),
    [
        ('width="210mm" height="297mm"', (1697, 2400)),
        ('width="8in" height="4in" x="7"', (2400, 1200)),
        ('width="100%" height="100%" viewBox="-10,-20 40 30"', (2400, 1800)),
        ('width="30" height="20" style="width:900px;fill:none"', (2400, 1600)),
    ],
)
def test_size_is_that_of_the_view_box_or_of_width_and_height(root: str, size: tuple[int, int]) -> None:
    drawn = svg.clean(drawing("<path/>", root))
    assert (drawn.frame.width, drawn.frame.height) == size
    opening = re.match(r"<svg [^>]*>", drawn.content.decode())
    assert opening is not None
    assert f'width="{size[0]}" height="{size[1]}"' in opening[0]
    assert "900" not in opening[0]


@pytest.mark.parametrize(
    ("root", "code"),
    [
        ("", "svg-without-size"),
        ('width="100%" height="100%"', "svg-without-size"),
        ('viewBox="0 0 nan 10"', "svg-without-size"),
        ('viewBox="0 0 10 0"', "svg-without-size"),
        ('width="1e99" height="10"', "svg-without-size"),
        ('viewBox="0 0 1000 100"', "picture-too-long"),
    ],
)
def test_drawing_without_a_usable_size_is_refused(root: str, code: str) -> None:
    assert refusal(drawing("<path/>", root)).code == code


@pytest.mark.parametrize(
    "content",
    [
        SVG[:-20],
        SVG.replace(b"</text>", b"</g>"),
        SVG.replace(b"Hall", b"&nbsp;"),
        SVG.replace(b"Hall", b"\xff\xfe"),
        b'<?xml version="1.0" encoding="no-such"?>' + SVG,
    ],
)
def test_damaged_drawing_is_refused_with_its_line(content: bytes) -> None:
    error = refusal(content)
    assert error.code == "svg-unreadable"
    assert re.search(r"line \d", str(error))


def test_other_xml_is_no_drawing() -> None:
    error = refusal(b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>')
    assert error.code == "svg-element"
    assert "html" in str(error)
    assert refusal(b"<svg viewBox='0 0 1 1'/>").code == "svg-unreadable"  # of no namespace: nothing shows it
