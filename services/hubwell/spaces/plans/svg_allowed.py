"""What an SVG of a floor plan may have: elements, attributes, and functions in styles.

Shapes, text, gradients, patterns, masks and markers. Not among them: everything that runs, moves, embeds or
links, and filters, with which a few bytes keep a browser busy.
"""

from typing import Final

NAMESPACE: Final = "http://www.w3.org/2000/svg"
XLINK: Final = "http://www.w3.org/1999/xlink"
XML: Final = "http://www.w3.org/XML/1998/namespace"

ELEMENTS: Final = frozenset(
    """svg g defs symbol use switch path rect circle ellipse line polyline polygon text tspan textPath
    linearGradient radialGradient stop clipPath mask pattern marker style""".split()  # noqa: SIM905 (words)
)
LEFT_OUT: Final = frozenset("metadata title desc".split())  # noqa: SIM905 (words)
"""Elements that are left out with what is in them; they draw nothing."""
WITH_TEXT: Final = frozenset("text tspan textPath style".split())  # noqa: SIM905 (words)
WITH_REFERENCE: Final = frozenset("use textPath linearGradient radialGradient pattern".split())  # noqa: SIM905 (words)
"""Elements whose `href` names another part of the drawing."""
GRADIENTS: Final = frozenset("linearGradient radialGradient".split())  # noqa: SIM905 (words)

_GEOMETRY: Final = """x y x1 y1 x2 y2 cx cy r rx ry fx fy fr width height d points pathLength transform
    viewBox preserveAspectRatio offset gradientUnits gradientTransform spreadMethod
    patternUnits patternContentUnits patternTransform clipPathUnits maskUnits maskContentUnits
    markerUnits markerWidth markerHeight refX refY orient
    dx dy rotate textLength lengthAdjust startOffset method spacing side""".split()  # noqa: SIM905 (words)
_PRESENTATION: Final = """fill fill-opacity fill-rule stroke stroke-dasharray stroke-dashoffset stroke-linecap
    stroke-linejoin stroke-miterlimit stroke-opacity stroke-width opacity color clip-path clip-rule mask
    marker-start marker-mid marker-end display visibility overflow font font-family font-size font-style
    font-weight font-stretch font-variant letter-spacing word-spacing line-height text-anchor text-decoration
    dominant-baseline alignment-baseline baseline-shift writing-mode direction unicode-bidi stop-color
    stop-opacity paint-order vector-effect shape-rendering text-rendering color-interpolation
    mix-blend-mode isolation""".split()  # noqa: SIM905 (words)
ATTRIBUTES: Final = frozenset((*_GEOMETRY, *_PRESENTATION, "id", "class", "style"))
"""Attributes that stay; others are left out, and those that run a script are refused."""

FUNCTIONS: Final = frozenset(
    """rgb rgba hsl hsla calc min max matrix translate translatex translatey scale scalex scaley rotate skew
    skewx skewy not is nth-child nth-of-type""".split()  # noqa: SIM905 (words)
)
"""Functions in styles and attributes, beside `url` with a part of the drawing."""
