"""A part that this machine lacks skips the test that needs it, or fails it in CI; it never breaks it."""

from pathlib import Path

import pytest

from lanes.small_disk import mounted_disk


@pytest.mark.parametrize("closed", [False, True])
def test_user_without_mount_is_a_reason_to_skip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, closed: bool
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    if closed:  # as a folder of somebody else on the path of an ordinary user
        (programs / "mount").write_text("#!/bin/sh\n")
        (programs / "mount").chmod(0o600)
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(pytest.skip.Exception, match="needs root"), mounted_disk(tmp_path / "disk", "300k"):
        pytest.fail("there is a disk")
