"""Étape 03 : des réglages français, et daphne qui sert les pages."""

import subprocess
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from workshop.project.serving import Crash
from workshop.system.processes import project_environment


@pytest.fixture
def login_page(server):
    """La réponse de `/admin/login/`, lue en entier."""
    return server.page("/admin/login/")


def test_french(login_page):
    """La page de connexion est en français"""
    assert "Mot de passe" in login_page.text, "La page /admin/login/ n'est pas en français."


def test_paris_time(project, python):
    """Le projet est à l'heure de Paris"""
    code = "from django.utils.timezone import localtime; print(localtime().isoformat())"
    done = subprocess.run(
        [python, "manage.py", "shell", "-v", "0", "-c", code],
        cwd=project,
        env=project_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=30,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1]
        raise Crash(f"manage.py shell échoue : {last}", done.stderr)
    now = datetime.fromisoformat(done.stdout.split()[-1])
    paris = now.astimezone(ZoneInfo("Europe/Paris"))
    assert now.utcoffset() == paris.utcoffset(), (
        f"Le projet croit qu'il est {now:%H:%M} ; à Paris, il est {paris:%H:%M}."
    )


def test_daphne(login_page):
    """Les pages sont servies par daphne"""
    server = login_page.headers["Server"].partition("/")[0]
    assert server == "daphne", f"Les pages sont servies par « {server} », et non par daphne."
