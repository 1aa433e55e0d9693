"""Refusals of floor plans: their names, their pictures, and the places of spaces on them.

The process that reads pictures imports this module, and nothing of the server beside.
"""

from typing import Final

from hubwell.errors import N_, ErrorKind

PLAN_GONE: Final = ErrorKind(
    "plan-gone", N_("There is no such floor plan, or it was removed meanwhile."), "plan", 404
)
PLAN_UNNAMED: Final = ErrorKind(
    "plan-unnamed", N_("Give the plan the name of its floor, for example Ground floor."), "name"
)
PLAN_NAME_TAKEN: Final = ErrorKind(
    "plan-name-taken",
    N_('There is a plan with the name "{value}" already. Choose another name.'),
    "name",
    409,
)
TOO_MANY_PLANS: Final = ErrorKind(
    "too-many-plans", N_("A hub has at most {most} floor plans. Remove one first."), "name", 409
)
X_UNREADABLE: Final = ErrorKind(
    "x-unreadable",
    N_('Write how far from the left it is as a number from 0 to 100, for example 12.5. "{value}" is none.'),
    "x",
)
Y_UNREADABLE: Final = ErrorKind(
    "y-unreadable",
    N_('Write how far from the top it is as a number from 0 to 100, for example 12.5. "{value}" is none.'),
    "y",
)
PICTURE_MISSING: Final = ErrorKind(
    "picture-missing", N_("Choose a picture of the floor: an SVG, PNG or JPEG file, or a PDF."), "picture"
)
PICTURE_TOO_LARGE: Final = ErrorKind(
    "picture-too-large",
    N_("The picture has more than {most} MB. Export it smaller, or as SVG or PDF."),
    "picture",
    413,
)
PICTURE_UNKNOWN: Final = ErrorKind(
    "picture-unknown",
    N_("This file is no SVG, PNG, JPEG or PDF, whatever its name is. Export the plan as one of these."),
    "picture",
)
PICTURE_MISNAMED: Final = ErrorKind(
    "picture-misnamed",
    N_('The file is of type {is_type}, but was sent as "{value}". Check whether it is the right file.'),
    "picture",
)
PICTURE_DAMAGED: Final = ErrorKind(
    "picture-damaged",
    N_("The picture cannot be read to its end: it is damaged or incomplete. Export it again."),
    "picture",
)
PICTURE_TOO_WIDE: Final = ErrorKind(
    "picture-too-wide",
    N_(
        "The picture has {width} x {height} pixels. It may have {most} million, and {side} at a side. "
        "Export it smaller."
    ),
    "picture",
)
PICTURE_TOO_SMALL: Final = ErrorKind(
    "picture-too-small",
    N_("The picture has {width} x {height} pixels, too few for a plan: each side has at least {least}."),
    "picture",
)
PICTURE_TOO_LONG: Final = ErrorKind(
    "picture-too-long",
    N_("One side of the picture is more than {most} times as long as the other. Crop it to the floor."),
    "picture",
)
PICTURE_TOO_COSTLY: Final = ErrorKind(
    "picture-too-costly",
    N_("Reading this picture takes too much time or memory. Export it simpler, for example as PNG."),
    "picture",
)
PDF_LOCKED: Final = ErrorKind(
    "pdf-locked", N_("The PDF is encrypted. Export it without a password."), "picture"
)
PDF_TOO_LONG: Final = ErrorKind(
    "pdf-too-long",
    N_("The PDF has {pages} pages, more than {most}. Export the page with the plan alone."),
    "picture",
)
PDF_PAGE_MISSING: Final = ErrorKind(
    "pdf-page-missing", N_("The PDF has no page {value}. Its pages are 1 to {pages}."), "page"
)
PAGE_UNREADABLE: Final = ErrorKind(
    "page-unreadable", N_('Write the page of the PDF as a number. "{value}" is none.'), "page"
)
SVG_UNREADABLE: Final = ErrorKind(
    "svg-unreadable",
    N_("The SVG cannot be read (line {line}). Open it in a drawing program and save it as plain SVG."),
    "picture",
)
SVG_DECLARES: Final = ErrorKind(
    "svg-declares",
    N_("The SVG declares entities of its own (line {line}). Save it as plain SVG, without them."),
    "picture",
)
SVG_ELEMENT: Final = ErrorKind(
    "svg-element",
    N_('The SVG has the element "{value}" (line {line}), which a plan cannot have. Remove it.'),
    "picture",
)
SVG_HANDLER: Final = ErrorKind(
    "svg-handler",
    N_('The SVG runs a script in the attribute "{value}" (line {line}). Remove it.'),
    "picture",
)
SVG_REFERENCE: Final = ErrorKind(
    "svg-reference",
    N_('The SVG refers to "{value}" (line {line}). A plan may refer to its own parts only.'),
    "picture",
)
SVG_STYLE: Final = ErrorKind(
    "svg-style",
    N_('The SVG has a style with "{value}" (line {line}), which a plan cannot have. Remove it.'),
    "picture",
)
SVG_TOO_LARGE: Final = ErrorKind(
    "svg-too-large",
    N_(
        "The SVG has more than {most} MB, or more than {elements} elements with all repetitions. "
        "Simplify it, or upload it as PDF or PNG."
    ),
    "picture",
)
SVG_WITHOUT_SIZE: Final = ErrorKind(
    "svg-without-size",
    N_("The SVG has no size. Save it with a viewBox, or with width and height."),
    "picture",
)
