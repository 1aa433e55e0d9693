"""``python -m hubwell_edge``: the same as the command ``hubwell-edge``."""

from hubwell_edge.cli import app

if __name__ == "__main__":
    app()
