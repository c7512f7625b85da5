"""Le lanceur : il prépare une fois, ne refait rien ensuite, et finit ce qui a été coupé."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workshop import ROOT

# Le Python de la machine : celui d'un environnement se prendrait pour l'atelier.
BASE = str(Path(sys.executable).resolve())
FIRST_TIME = "Première fois"


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    """Un petit atelier, dans un dossier accentué, sans réseau : sa seule dépendance est là."""
    folder = tmp_path / "atelier é à"
    (folder / "workshop").mkdir(parents=True)
    shutil.copy(ROOT / "atelier.py", folder)
    (folder / "requirements.txt").write_text("pip\n", "utf-8")
    (folder / "constraints.txt").write_text("", "utf-8")
    (folder / "workshop/commands.py").write_text(
        "import sys\n\ndef main():\n    print('reçu :', sys.argv[1:], sys.prefix)\n", "utf-8"
    )
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("PYTHONUTF8", "1")
    return folder


def launch(folder, *arguments):
    command = [BASE, str(folder / "atelier.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120)


def test_prepares_once_then_hands_over(workshop):
    first = launch(workshop, "demo", "05")
    assert FIRST_TIME in first.stderr
    assert first.stdout == f"reçu : ['demo', '05'] {workshop / '.venv'}\n"
    second = launch(workshop)
    assert FIRST_TIME not in second.stderr
    assert second.stdout == f"reçu : [] {workshop / '.venv'}\n"


def test_a_changed_requirement_or_a_moved_folder_is_prepared_again(workshop):
    launch(workshop)
    (workshop / "constraints.txt").write_text("# nouveau\n", "utf-8")
    assert FIRST_TIME in launch(workshop).stderr
    moved = workshop.rename(workshop.with_name("ailleurs"))
    done = launch(moved)
    assert FIRST_TIME in done.stderr and str(moved / ".venv") in done.stdout
    assert FIRST_TIME not in launch(moved).stderr


def test_a_failed_install_is_a_sentence_and_the_next_launch_completes(workshop):
    (workshop / "requirements.txt").write_text("paquet-qui-n-existe-pas\n", "utf-8")
    done = launch(workshop)
    assert done.returncode == 1
    assert "relancez la même commande" in done.stderr and "Traceback" not in done.stderr
    (workshop / "requirements.txt").write_text("pip\n", "utf-8")
    assert "reçu" in launch(workshop).stdout


@pytest.mark.parametrize("delay", [0.3, 2.0])
def test_an_install_killed_in_the_middle_completes(workshop, delay):
    process = subprocess.Popen([BASE, str(workshop / "atelier.py")], stdout=subprocess.DEVNULL)
    time.sleep(delay)
    process.kill()
    process.wait()
    done = launch(workshop)
    assert done.returncode == 0 and "reçu" in done.stdout
    assert FIRST_TIME not in launch(workshop).stderr


def with_version(workshop, version):
    code = f"import runpy, sys; sys.version_info = {version}; sys.argv = ['atelier.py'];"
    code += f"runpy.run_path({str(workshop / 'atelier.py')!r}, run_name='__main__')"
    return subprocess.run(
        [BASE, "-c", code], capture_output=True, text=True, encoding="utf-8", timeout=120
    )


def test_an_old_python_is_told_what_to_install(workshop):
    done = with_version(workshop, (3, 9, 1))
    assert done.returncode == 1
    assert "Python 3.11 ou plus récent" in done.stderr and "python.org" in done.stderr
    assert not (workshop / ".venv").exists()


def test_a_newer_python_is_warned_and_goes_on(workshop):
    done = with_version(workshop, (3, 99, 0))
    assert done.returncode == 0
    assert "3.99 est plus récent" in done.stderr and "reçu" in done.stdout


def test_the_launcher_uses_the_standard_library_only():
    code = (ROOT / "atelier.py").read_text("utf-8")
    imported = set(re.findall(r"(?m)^\s*(?:import|from) (\w+)", code))
    assert imported - {"workshop"} <= sys.stdlib_module_names


def test_two_launches_at_once_install_once(workshop):
    command = [BASE, str(workshop / "atelier.py")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        assert "reçu" in process.communicate(timeout=120)[0]
        assert process.returncode == 0
