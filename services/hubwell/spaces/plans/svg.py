"""Rewrite an SVG from what a floor plan may have; the rest is left out, or refused by name and line.

A parser of XML calls this module for each element; nothing is taken over as bytes. References stay within the
drawing, and what they repeat is counted: a few elements that use each other can be billions when drawn.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from hubwell.errors import DomainError, ErrorKind
from hubwell.spaces.plans import errors, svg_allowed
from hubwell.spaces.plans.formats import LARGEST_STORED
from hubwell.spaces.plans.svg_size import Frame, frame_of

LARGEST_MB: Final = 3
"""Of an SVG, which is served as it is written here."""
MOST_ELEMENTS: Final = 50_000
MOST_NESTED: Final = 100
_LONGEST_SHOWN: Final = 40
_ID: Final = re.compile(r"[\w.:-]{1,200}")
_PART: Final = re.compile(r"#([\w.:-]{1,200})")
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_CALL: Final = re.compile(r"([\w-]*)\s*\(\s*([^)]*)")
_SIZE_IN_STYLE: Final = re.compile(r"(^|;)\s*(?:min-|max-)?(?:width|height)\s*:[^;]*")
_OWN_SIZE: Final = frozenset(("x", "y", "width", "height", "viewBox", "preserveAspectRatio"))


@dataclass(frozen=True, slots=True)
class Drawing:
    """An SVG with nothing but shapes and text, and its frame in pixels."""

    content: bytes
    frame: Frame


@dataclass(slots=True)
class _Node:
    """An element: how many elements draw it, and which other parts of the drawing it uses."""

    name: str
    children: "list[_Node]" = field(default_factory=list)
    uses: list[str] = field(default_factory=list)
    cost: int = 0
    """Elements with all repetitions; 0 before they are counted."""


def clean(content: bytes) -> Drawing:
    """Return the drawing without everything that is no drawing. Raises DomainError."""
    if len(content) > LARGEST_MB * 1024 * 1024:
        raise _too_large()
    return _Cleaner().clean(content)


class _Cleaner:
    def __init__(self) -> None:
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._out: list[str] = []
        self._open: list[_Node] = []
        self._ids: dict[str, _Node] = {}
        self._left_out = 0
        """How many elements deep the parser is in one that is left out."""
        self._text: list[str] = []
        self._used_in_styles: list[tuple[str, int]] = []
        self._count = 0
        self._root: _Node | None = None
        self._frame: Frame | None = None

    def clean(self, content: bytes) -> Drawing:
        parser = self._parser
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._declares
        parser.SkippedEntityHandler = self._declares
        parser.ExternalEntityRefHandler = self._declares
        try:
            parser.Parse(content, True)  # noqa: FBT003 (as expat has it)
        except (expat.ExpatError, UnicodeError, LookupError, ValueError):
            self._refuse(errors.SVG_UNREADABLE)
        if self._root is None or self._frame is None:
            self._refuse(errors.SVG_UNREADABLE)
        self._check_references(self._root)
        written = "".join(self._out).encode()
        if len(written) > LARGEST_STORED:
            raise _too_large()
        return Drawing(written, self._frame)

    def _refuse(self, kind: ErrorKind, value: str = "") -> NoReturn:
        line = max(1, self._parser.CurrentLineNumber)
        short = value if len(value) <= _LONGEST_SHOWN else value[:_LONGEST_SHOWN] + "…"
        raise DomainError(kind, line=line, **({"value": short} if value else {}))

    def _doctype(self, _name: str, _system: str | None, _public: str | None, has_own: bool) -> None:  # noqa: FBT001 (as expat calls it)
        # The usual declaration names a file elsewhere, which is not read; one with content declares entities.
        if has_own:
            self._refuse(errors.SVG_DECLARES)

    def _declares(self, *_: object) -> NoReturn:
        self._refuse(errors.SVG_DECLARES)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._left_out:
            self._left_out += 1
            return
        namespace, _, local = name.rpartition(" ")
        if not self._open and local != "svg":
            self._refuse(errors.SVG_ELEMENT, local)
        if not self._open and namespace != svg_allowed.NAMESPACE:
            self._refuse(errors.SVG_UNREADABLE)
        if namespace != svg_allowed.NAMESPACE or local in svg_allowed.LEFT_OUT:
            self._left_out = 1
            return
        if local not in svg_allowed.ELEMENTS or (self._open and self._open[-1].name == "style"):
            self._refuse(errors.SVG_ELEMENT, local)
        self._count += 1
        if self._count > MOST_ELEMENTS or len(self._open) >= MOST_NESTED:
            raise _too_large()
        self._add(_Node(local), attributes)

    def _add(self, node: _Node, attributes: dict[str, str]) -> None:
        self._flush()
        is_root = not self._open
        kept = self._kept(node, attributes)
        if is_root:
            self._root, self._frame = node, frame_of(attributes)
            kept = {key: value for key, value in kept.items() if key not in _OWN_SIZE}
            kept |= {"style": _SIZE_IN_STYLE.sub(r"\1", kept["style"])} if "style" in kept else {}
            kept = {"xmlns": svg_allowed.NAMESPACE} | kept | self._frame.attributes()
        else:
            self._open[-1].children.append(node)
        self._open.append(node)
        written = "".join(f" {key}={quoteattr(value)}" for key, value in kept.items())
        self._out.append(f"<{node.name}{written}>")
        if is_root and self._frame is not None:
            self._out.append(self._frame.paper())

    def _kept(self, node: _Node, attributes: dict[str, str]) -> dict[str, str]:
        kept: dict[str, str] = {}
        for key, value in attributes.items():
            namespace, _, local = key.rpartition(" ")
            if local.lower().startswith("on"):
                self._refuse(errors.SVG_HANDLER, local)
            if local == "href" and namespace in ("", svg_allowed.XLINK):
                kept |= self._reference(node, value)
            elif (namespace, local, value) == (svg_allowed.XML, "space", "preserve"):
                kept["xml:space"] = value
            elif not namespace and local in svg_allowed.ATTRIBUTES:
                kept[local] = self._value(node, local, value)
        return kept

    def _reference(self, node: _Node, value: str) -> Mapping[str, str]:
        part = _PART.fullmatch(value.strip())
        if part is None:
            self._refuse(errors.SVG_REFERENCE, value)
        if node.name not in svg_allowed.WITH_REFERENCE:
            return {}
        node.uses.append(part[1])
        return {"href": part[0]}

    def _value(self, node: _Node, name: str, value: str) -> str:
        if name == "id":
            if _ID.fullmatch(value):
                self._ids.setdefault(value, node)
            return value
        if name == "class":
            return value
        plain, parts = self._style(value)
        node.uses += parts
        return plain

    def _style(self, text: str) -> tuple[str, list[str]]:
        """Return a style, or a value of one, without comments, and the parts of the drawing it names."""
        plain = _COMMENT.sub(" ", text) if "/*" in text else text
        for sign in ("\\", "@", "/*", "<"):
            if sign in plain:
                self._refuse(errors.SVG_STYLE, sign)
        parts = []
        for name, inside in _CALL.findall(plain) if "(" in plain else ():
            if name.lower() == "url":
                part = _PART.fullmatch(inside.strip().strip("'\"").strip())
                if part is None:
                    self._refuse(errors.SVG_REFERENCE, inside.strip() or name)
                parts.append(part[1])
            elif name and name.lower() not in svg_allowed.FUNCTIONS:
                self._refuse(errors.SVG_STYLE, f"{name}()")
        return plain, parts

    def _characters(self, text: str) -> None:
        if not self._left_out and self._open and self._open[-1].name in svg_allowed.WITH_TEXT:
            self._text.append(text)

    def _flush(self) -> None:
        """Write the text that was read since the last tag; in a style it is checked first."""
        text = "".join(self._text)
        self._text.clear()
        if text and self._open[-1].name == "style":
            text, parts = self._style(text)
            self._used_in_styles += [(part, self._parser.CurrentLineNumber) for part in parts]
        self._out.append(escape(text))

    def _end(self, _name: str) -> None:
        if self._left_out:
            self._left_out -= 1
            return
        self._flush()
        self._out.append(f"</{self._open.pop().name}>")

    def _check_references(self, root: _Node) -> None:
        """Refuse what is too much to draw. A rule of a style may stand for any element: gradients only."""
        for part, line in self._used_in_styles:
            target = self._ids.get(part)
            if target is not None and target.name not in svg_allowed.GRADIENTS:
                raise DomainError(errors.SVG_STYLE, value=f"url(#{part})"[:_LONGEST_SHOWN], line=line)
        if self._drawn(root) > MOST_ELEMENTS:
            raise _too_large()

    def _drawn(self, root: _Node) -> int:
        """Return how many elements are drawn, with all repetitions. Raises DomainError for an endless one."""
        path: set[int] = set()
        pending = [(root, False)]
        while pending:
            node, is_counted = pending.pop()
            needed = [*node.children, *(self._ids[part] for part in node.uses if part in self._ids)]
            if is_counted:
                path.discard(id(node))
                node.cost = min(1 + sum(each.cost for each in needed), MOST_ELEMENTS + 1)
            elif not node.cost:
                if id(node) in path:
                    raise _too_large()
                path.add(id(node))
                pending.append((node, True))
                pending += [(each, False) for each in needed if not each.cost]
        return root.cost


def _too_large() -> DomainError:
    return DomainError(errors.SVG_TOO_LARGE, most=LARGEST_MB, elements=MOST_ELEMENTS)
