"""Closed sets of values in messages, without pydantic: a command line that only needs these loads fast."""

from typing import Literal

ClockState = Literal["synced", "unsynced"]
Language = Literal["en", "it", "fi", "et", "lv", "nl"]
Verdict = Literal[
    "in", "out", "moved", "again", "unknown", "full", "revoked", "refused", "noted", "code", "desk", "phone"
]
"""The verdict on a tap that a reader shows.

`in`, `out`; `moved`: in, and out of the previous space; `again`: a second tap of the same gesture; `unknown`:
not enrolled; `full`: the space has no room; `revoked`: a badge reported lost or replaced; `refused`: a copy
of an earlier tap; `noted`: stored, and counted when the server is reachable again; `code`: a one-time code is
shown; `desk`: staff continue from here; `phone`: a phone whose number changes with every tap.
"""
