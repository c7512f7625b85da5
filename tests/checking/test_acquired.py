"""Ce qui était acquis le reste : une perte est dite, avec l'étape où on l'avait."""

import shutil
import sys

import pytest

from workshop.chapters.steps import find_step
from workshop.checking.acquired import with_acquired
from workshop.checking.checking import check

STEP = find_step("05")


@pytest.fixture
def project(tmp_path):
    shutil.copytree(STEP.solution, tmp_path / "live")
    return tmp_path / "live"


def judged(project):
    report = check(STEP, project, sys.executable)
    assert report.passed
    return with_acquired(report, STEP, project, sys.executable)


def test_nothing_lost_nothing_said(project):
    report = judged(project)
    assert report.passed is True and report.diagnosis is None
    assert [goal.state for goal in report.goals] == ["passed"] * len(report.goals)


@pytest.mark.parametrize(
    ("file", "good", "bad", "step", "goal"),
    [
        ("live/settings.py", "fr-fr", "en-us", "03", "test_french"),
        ("live/settings.py", "Europe/Paris", "UTC", "03", "test_paris_time"),
        (
            "live/asgi.py",
            "AllowedHostsOriginValidator(",
            "AuthMiddlewareStack(",
            "04",
            "test_origin",
        ),
        ("client.py", "except OSError", "except KeyError", "02", "test_client_stops"),
    ],
)
def test_a_loss_is_said_with_the_step_that_had_it(file, good, bad, step, goal, project):
    text = (project / file).read_text("utf-8")
    assert good in text
    (project / file).write_text(text.replace(good, bad), "utf-8")
    report = judged(project)
    assert report.passed is False and report.exit_code == 1
    slug = find_step(step).slug
    assert report.red.id == f"{slug}/{goal}"
    assert report.red.text.startswith(f"Vous l'aviez à l'étape {step} : ")
    assert report.diagnosis.file == file


def test_what_django_warns_of_is_a_remark_on_green(project):
    text = (project / "live/urls.py").read_text("utf-8")
    good = "    path('admin/', admin.site.urls),\n"
    assert good in text
    bad = good + "    path('gestion/', admin.site.urls),\n"
    (project / "live/urls.py").write_text(text.replace(good, bad), "utf-8")
    report = judged(project)
    assert report.passed is True
    assert any("urls.W005" in one for one in report.remarks)


def test_whoever_stops_it_is_heard(project):
    class Stale(Exception):
        pass

    def stop(report, seconds):
        raise Stale

    report = check(STEP, project, sys.executable)
    with pytest.raises(Stale):
        with_acquired(report, STEP, project, sys.executable, stop)
