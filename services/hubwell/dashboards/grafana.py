"""Typed builders of Grafana's dashboard JSON.

`hub_now` defines the panels with them; `files` and `push` write and send the JSON. They are our own because
grafana-foundation-sdk 0.0.21 warns on import that its builders of this format are deprecated, and has no
classes for the PostgreSQL query. Field names: Grafana's dashboard schema, version 41.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal

SCHEMA_VERSION: Final = 41
DATASOURCE: Final = {"type": "grafana-postgresql-datasource", "uid": "hubwell"}
COLUMNS: Final = 24
"""Width of Grafana's grid."""

Json = dict[str, Any]


class Colour(StrEnum):
    """Okabe and Ito's palette, distinguishable with colour blindness; grey for unknown states."""

    GREEN = "#009E73"
    BLUE = "#0072B2"
    AMBER = "#E69F00"
    VERMILION = "#D55E00"
    GREY = "#767676"


@dataclass(frozen=True, slots=True)
class Word:
    """How a value is displayed: a shape and a word; the colour only repeats them."""

    text: str
    colour: Colour


@dataclass(frozen=True, slots=True)
class Description:
    """The description that each panel must have about its numbers."""

    what: str
    source: str
    unit: str
    no_data: str

    def __str__(self) -> str:
        parts = (self.what, f"**Source:** {self.source}", f"**Unit:** {self.unit}")
        return "\n\n".join((*parts, f"**No data:** {self.no_data}"))


@dataclass(frozen=True, slots=True)
class Column:
    """Display of one column of a table. `unit` is one of Grafana's unit ids; `width` is in pixels."""

    name: str
    unit: str | None = None
    decimals: int | None = None
    words: Mapping[str, Word] = field(default_factory=dict)
    empty: str | None = None
    width: int | None = None

    def override(self) -> Json:
        """Return Grafana's field override for this column."""
        properties: list[Json] = []
        if self.unit is not None:
            properties.append({"id": "unit", "value": self.unit})
        if self.decimals is not None:
            properties.append({"id": "decimals", "value": self.decimals})
        if self.words:
            properties.append({"id": "mappings", "value": [_mapping(self.words)]})
            properties.append(
                {"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "basic"}}
            )
        if self.empty is not None:
            properties.append({"id": "noValue", "value": self.empty})
        if self.width is not None:
            properties.append({"id": "custom.width", "value": self.width})
        return {"matcher": {"id": "byName", "options": self.name}, "properties": properties}


def _mapping(words: Mapping[str, Word]) -> Json:
    options = {
        value: {"text": word.text, "color": word.colour.value, "index": index}
        for index, (value, word) in enumerate(words.items())
    }
    return {"type": "value", "options": options}


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel. `id` must never change: links to the panel contain it. `width` is in grid columns."""

    id: int
    title: str
    description: Description
    sql: str
    width: int

    def json(self, x: int, y: int, height: int) -> Json:
        """Return the panel at a place of the grid."""
        return {
            "id": self.id,
            "title": self.title,
            "description": str(self.description),
            "datasource": DATASOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": height},
            "targets": [self._target()],
        }

    @property
    def format(self) -> Literal["table", "time_series"]:
        """How Grafana reads the rows."""
        return "table"

    def _target(self) -> Json:
        return {
            "refId": "A",
            "datasource": DATASOURCE,
            "editorMode": "code",
            "format": self.format,
            "rawQuery": True,
            "rawSql": self.sql,
        }


@dataclass(frozen=True, kw_only=True)
class Table(Panel):
    """A table. `columns` needs only the columns that differ from the default display."""

    columns: Sequence[Column] = ()
    header: bool = True

    def json(self, x: int, y: int, height: int) -> Json:
        """Return the panel at a place of the grid."""
        defaults: Json = {
            "color": {"mode": "fixed", "fixedColor": "text"},
            "noValue": "no data",
            "custom": {
                "align": "auto",
                "cellOptions": {"type": "auto", "wrapText": True},
                "filterable": False,
            },
        }
        return {
            **super().json(x, y, height),
            "type": "table",
            "options": {"showHeader": self.header, "cellHeight": "sm"},
            "fieldConfig": {
                "defaults": defaults,
                "overrides": [column.override() for column in self.columns],
            },
        }


@dataclass(frozen=True, kw_only=True)
class Line:
    """A limit drawn across a plot."""

    at: float
    colour: Colour


@dataclass(frozen=True, kw_only=True)
class TimeSeries(Panel):
    """Lines over time. A bucket without a value breaks its line."""

    unit: str
    axis: str
    low: float
    high: float
    line: Line
    shortest_step: str
    """Smallest step of Grafana's queries, the step of the data, for example ``5m``."""

    @property
    def format(self) -> Literal["table", "time_series"]:
        """How Grafana reads the rows."""
        return "time_series"

    def json(self, x: int, y: int, height: int) -> Json:
        """Return the panel at a place of the grid."""
        return {
            **super().json(x, y, height),
            "type": "timeseries",
            "interval": self.shortest_step,
            "options": {
                "legend": {
                    "displayMode": "table",
                    "placement": "bottom",
                    "showLegend": True,
                    "calcs": ["lastNotNull", "max"],
                },
                "tooltip": {"mode": "multi", "sort": "desc"},
            },
            "fieldConfig": {"defaults": self._defaults(), "overrides": []},
        }

    def _defaults(self) -> Json:
        return {
            "color": {"mode": "palette-colorblind"},
            "unit": self.unit,
            "decimals": 0,
            "noValue": "no data",
            "custom": {
                "axisLabel": self.axis,
                "axisSoftMin": self.low,
                "axisSoftMax": self.high,
                "drawStyle": "line",
                "lineWidth": 2,
                "fillOpacity": 0,
                "showPoints": "auto",
                "spanNulls": False,
                "thresholdsStyle": {"mode": "dashed"},
            },
            "thresholds": {
                "mode": "absolute",
                "steps": [
                    {"color": "transparent", "value": None},
                    {"color": self.line.colour.value, "value": self.line.at},
                ],
            },
        }


@dataclass(frozen=True, kw_only=True)
class Row:
    """Panels side by side, with widths of 24 in sum at most. `height` is in units of 30 pixels."""

    height: int
    panels: Sequence[Panel]


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """A dashboard. `uid` and panel ids must never change: links contain them."""

    uid: str
    title: str
    description: str
    rows: Sequence[Row]
    since: str
    refresh: str

    @property
    def panels(self) -> list[Panel]:
        """All panels, in order of reading."""
        return [panel for row in self.rows for panel in row.panels]

    def json(self) -> Json:
        """Return the dashboard as Grafana imports it."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["hubwell"],
            "schemaVersion": SCHEMA_VERSION,
            "editable": False,
            "graphTooltip": 1,
            "liveNow": False,
            "refresh": self.refresh,
            "time": {"from": self.since, "to": "now"},
            "timezone": "browser",
            "weekStart": "monday",
            "annotations": {"list": []},
            "templating": {"list": []},
            "links": [],
            "panels": self._placed(),
        }

    def text(self) -> str:
        """Return the content of the dashboard's file, which depends on the code only."""
        return json.dumps(self.json(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    def _placed(self) -> list[Json]:
        placed: list[Json] = []
        y = 0
        for row in self.rows:
            x = 0
            for panel in row.panels:
                placed.append(panel.json(x, y, row.height))
                x += panel.width
            y += row.height
        return placed
