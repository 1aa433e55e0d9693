"""`hubwell up`: one command that brings the whole system up, keeps it up, and takes it down."""

import os
from pathlib import Path


def main(*, port: int, data: Path, demo: bool) -> int:
    """Run until Ctrl-C; return the exit code: 0 after a clean stop, 1 when it could not start."""
    # Imported here: the database's own files need this package's lock and leash, not the whole system.
    from hubwell.commands.up.startup import Options, run

    os.umask(0o077)  # of all processes: data and logs are for their user only
    return run(Options(port=port, data=data, demo=demo))
