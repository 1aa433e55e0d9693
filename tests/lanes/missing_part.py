"""What happens when a part that a test needs is not on this machine."""

import os
from typing import NoReturn

import pytest

ADVICE = "scripts/prepare-lanes brings it"


def missing(part: str, advice: str = ADVICE) -> NoReturn:
    """Skip the test on a user's machine; fail it in CI, where everything has to be there."""
    reason = f"{part} is missing: {advice}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
