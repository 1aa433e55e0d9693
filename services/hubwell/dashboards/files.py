"""Write the generated dashboards as files, for Grafana's provisioning and for review."""

from pathlib import Path

from hubwell.dashboards.grafana import Dashboard
from hubwell.dashboards.hub_now import hub_now


def dashboards() -> dict[str, Dashboard]:
    """Return every dashboard by the name of its file."""
    return {"hub-now.json": hub_now()}


def write(folder: Path) -> list[Path]:
    """Write all dashboards into `folder`, created if missing, and return the files. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, dashboard in dashboards().items():
        path = folder / name
        path.write_text(dashboard.text(), encoding="utf-8")
        written.append(path)
    return written
