"""Le banc mesure de vrais serveurs, garde ce qu'il a mesuré, et dit ce qui l'en empêche."""

import json
from pathlib import Path
from xml.etree import ElementTree

import psutil
import pytest
from click.testing import CliRunner

from workshop.basics import ROOT, WorkshopError
from workshop.bench import entrants, racing, results
from workshop.chapters.steps import find_step
from workshop.commands import measuring  # noqa: F401
from workshop.commands.cli import cli

SHORT = {"seconds": 0.3, "pace_seconds": 0.6, "burst": 20}


def chosen(*names):
    return [one for one in entrants.known() if one.name in names]


@pytest.fixture
def tools():
    for package in ("picows", "uvicorn"):
        pytest.importorskip(package, reason=f"{package} manque : requirements-bench.txt")


def run(name, value, **more):
    return {"entrant": name, "turn": 0, "rate": 1e6 / value, "cpu_us": value} | more


def race(clients=30, **more):
    """Une course de deux chats, trois fois ; le dernier tour a souffert."""
    runs = [run("tutoriel-daphne", value) for value in (100, 110, 900)]
    runs += [run("websockets", value, busy=0.95, burst_lost=0) for value in (4, 5, 6)]
    return {
        "clients": clients,
        "date": "2026-11-28T10:00+01:00",
        "command": "python3 atelier.py banc",
        "repetitions": 3,
        "machine": {
            "system": "Linux",
            "processor": "un processeur",
            "processors": 2,
            "memory_gb": 4.0,
            "python": "3.11.7",
            "pinned": True,
        },
        "versions": {"channels": "4.3.2"},
        "titles": {"tutoriel-daphne": "tutoriel, daphne", "websockets": "websockets broadcast()"},
        "runs": runs,
    } | more


def test_a_race_measures_each_server_and_leaves_nothing_running(tools):
    before = {one.pid for one in psutil.Process().children(recursive=True)}
    racers = chosen("tutoriel-daphne", "tutoriel-uvicorn", "websockets")
    (found,) = racing.run_races(racers, [3], 1, "banc", lambda words: None, **SHORT)
    assert [one["entrant"] for one in found["runs"]] == [one.name for one in racers]
    for one in found["runs"]:
        assert (one["trouble"], one["refused"], one["burst_lost"]) == ("", 0, 0)
        assert one["rate"] > 0 and one["cpu_us"] >= 0 and 0 < one["p50_ms"] <= one["p99_ms"]
    assert {one.pid for one in psutil.Process().children(recursive=True)} == before


@pytest.mark.parametrize("number", ["05", "13"])
def test_the_project_of_a_learner_enters_the_race(tools, number):
    racer = entrants.of_project(find_step(number).solution)
    (found,) = racing.run_races([racer], [3], 1, "banc", lambda words: None, **SHORT)
    (one,) = found["runs"]
    assert (one["trouble"], one["refused"], one["burst_lost"]) == ("", 0, 0)


def test_a_chat_that_loses_a_burst_is_seen_to(tools):
    phases = SHORT | {"burst": 1000}
    (found,) = racing.run_races(
        chosen("tutoriel-daphne"), [3], 1, "banc", lambda words: None, **phases
    )
    assert found["runs"][0]["burst_lost"] > 0.1


def test_a_chat_that_refuses_the_public_is_said(tools, tmp_path):
    racer = entrants.of_project(find_step("04").solution)
    (found,) = racing.run_races([racer], [2], 1, "banc", lambda words: None, **SHORT)
    assert results.troubles(found) == [f"{racer.title} : Plus rien n'est livré."]
    assert results.rows(found)[1][1:] == ["—", "—", "—", "—", "—", results.rows(found)[1][6], "—"]


def test_the_median_forgets_a_bad_turn():
    assert results.medians(race())["tutoriel-daphne"]["cpu_us"] == 110


def test_a_table_says_ratios_and_what_the_public_bounded():
    header, tutorial, reference = results.rows(race())
    assert len(header) == len(tutorial) == len(reference)
    assert tutorial[:4] == ["tutoriel, daphne", "9\u202f090", "110", "1"]
    assert reference[1:4] == ["≥ 200\u202f000", "5", "22"]
    assert (tutorial[-1], reference[-1]) == ("—", "rien")


def test_what_is_kept_replaces_the_race_of_the_same_size(tmp_path):
    path = tmp_path / "bench.json"
    results.keep([race(300), race(30)], path)
    results.keep([race(300, command="une autre")], path)
    assert [(one["clients"], one["command"]) for one in results.load(path)] == [
        (30, "python3 atelier.py banc"),
        (300, "une autre"),
    ]


def test_the_page_and_the_drawings_say_where_they_come_from():
    made = {"banc.md": results.markdown([race()]), **results.drawings([race()])}
    assert [*made] == ["banc.md", "bench-cpu.svg", "bench-rate.svg"]
    for text in made.values():
        for said in ("un processeur", "channels 4.3.2", "2026-11-28", "python3 atelier.py banc"):
            assert said in text


def test_a_drawing_is_read_on_both_grounds():
    drawing = results.drawings([race()])["bench-cpu.svg"]
    root = ElementTree.fromstring(drawing)
    texts = ["".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"tutoriel, daphne", "110", "5"} <= {*texts}
    assert "prefers-color-scheme: dark" in drawing


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--chats", "poney"], "Je ne connais pas « poney »."),
        (["--clients", "beaucoup"], "--clients prend des nombres"),
        (["--projet", str(ROOT / "steps")], "Le fichier manage.py n'est pas dans"),
        (["--projet", "nulle-part"], "n'existe pas."),
    ],
)
def test_what_cannot_race_is_said_at_once(monkeypatch, arguments, said):
    monkeypatch.setattr(racing, "has_tools", lambda: True)
    done = CliRunner().invoke(cli, ["banc", *arguments])
    assert isinstance(done.exception, WorkshopError)
    assert said in str(done.exception)


def test_a_project_that_does_not_start_says_why(tmp_path):
    (tmp_path / "manage.py").write_text("")
    with pytest.raises(WorkshopError, match=r"ne se lance pas\. Python dit"):
        entrants.of_project(Path(tmp_path))


def test_what_is_kept_in_the_repository_can_be_read():
    for one in results.load():
        assert results.rows(one)
        assert json.dumps(one)
