"""The commands of docs/deployment.md, so that a story types what an operator would copy."""

import re
import sys
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[2]
_GUIDE: Final = PROJECT / "docs" / "deployment.md"


_PROGRAMS: Final = ("docker-compose ", "scripts/", "firmware_configs/", "git pull")
TYPED_IN_OTHER_STORIES: Final = {
    "backup": {
        "scripts/hubwell-admin backup",
        "scripts/hubwell-admin drill",
        "scripts/hubwell-admin restore hub.tar",
        "docker-compose --profile demo up -d",
        "scripts/hubwell-admin demo remove",
    },
    "upkeep": {"scripts/hubwell-admin certificates renew"},
    "releases": {"git pull && scripts/hubwell-admin upgrade", "scripts/hubwell-admin rollback"},
}
"""Commands that the story of the guide leaves to others, which check that they typed them."""


def commands(section: str) -> list[str]:
    """Return the commands of a section in order, without comments: of its `sh` blocks, and those in its text.

    A continued line is one command. Raises KeyError if there is no such section.
    """
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", _GUIDE.read_text(), re.DOTALL | re.MULTILINE))
    blocks = re.findall(r"```sh\n(.*?)```", sections[section], re.DOTALL)
    text = re.sub(r"```.*?```", "", sections[section], flags=re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    lines += [word for word in re.findall(r"`([^`\n]+)`", text) if word.startswith(_PROGRAMS) and " " in word]
    named = [
        re.sub(r"\s+# .*$", "", line).strip() for line in lines if line.strip() and not line.startswith("#")
    ]
    return list(dict.fromkeys(named))


def command(beginning: str) -> str:
    """Return the first command of the guide, in blocks or in tables, that begins like this.

    Raises LookupError if there is none.
    """
    text = _GUIDE.read_text()
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ").splitlines()
    lines = [re.sub(r"\s+# .*$", "", line).strip() for line in blocks]
    rows = re.findall(r"^\|.*\|$", text, re.MULTILINE)
    cells = [cell for row in rows for cell in re.findall(r"`([^`]+)`", row)]
    for line in [*lines, *cells]:
        if line.startswith(beginning):
            return re.sub(r"\s+", " ", line)
    raise LookupError(beginning)


if __name__ == "__main__":
    sys.stdout.write(command(sys.argv[1]))
