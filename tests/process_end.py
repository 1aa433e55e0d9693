"""Whether a process has ended, for tests that kill."""

import psutil


def has_ended(process: psutil.Process) -> bool:
    """Tell whether a process is gone, or is a zombie that its new parent has not collected yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
