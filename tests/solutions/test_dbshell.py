"""La base que nomme DATABASE_URL est aussi celle qu'ouvre `manage.py dbshell`."""

import shutil
import subprocess
import sys

import pytest

from workshop.chapters.steps import all_steps
from workshop.project.files import copy_project
from workshop.system.postgres_server import PostgresServer, postgres_programs
from workshop.system.processes import project_environment

STEPS = [step for step in all_steps() if step.number >= 16]
ASKED = "SELECT current_user || ' ' || current_database() || ' ' || inet_server_port()"


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.slug)
def test_dbshell_opens_the_same_database(step, tmp_path):
    if not postgres_programs() or not shutil.which("psql"):
        pytest.skip("Cette machine n'a pas PostgreSQL, ou pas psql, que lance dbshell.")
    project = tmp_path / "live"
    copy_project(step.solution, project)
    with PostgresServer() as postgres:
        done = subprocess.run(
            [sys.executable, "manage.py", "dbshell", "--", "-At", "-c", ASKED],
            cwd=project,
            env=project_environment() | {"DATABASE_URL": postgres.url},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=30,
        )
        assert done.stdout.split() == ["chat", "chat", str(postgres.port)], done.stderr
