"""Le code du dépôt suit les réglages de ruff."""

import subprocess
import sys

import pytest

from workshop.basics import ROOT


@pytest.mark.parametrize("arguments", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff(arguments):
    pytest.importorskip("ruff", reason="ruff manque : requirements-dev.txt")
    command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", "."]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
