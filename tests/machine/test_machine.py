"""`preparer` : une machine prête le dit sur une ligne, et chaque manque a sa phrase."""

import re
import socket
import subprocess
import sys
import time
import webbrowser
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import psutil
import pytest

from workshop.basics import ROOT, WorkshopError
from workshop.browsers import finding as browser
from workshop.machine import preparing as machine

# Le port 8000 est peut-être celui du robot, qui suit les chapitres au même moment.
ON_A_FREE_PORT = """
from workshop.commands.main import main
from workshop.machine import preparing
from workshop.system.processes import free_port

preparing.PORT = free_port()
main()
"""


def test_a_ready_machine_says_so_on_one_line():
    done = subprocess.run(
        [sys.executable, "-c", ON_A_FREE_PORT, "préparer", "--sans-navigateur"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=180,
    )
    *lines, last = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert sum("✔" in line for line in lines) == len(machine.checks(browser=False))
    assert re.fullmatch(r"atelier · .+ · Python 3\.\d+\.\d+\S* · tout est prêt", last)


def test_the_line_names_what_is_missing_and_nothing_personal():
    line = machine.summary(["port", "carnets"])
    assert line.endswith("à revoir\u00a0: port, carnets")
    for personal in (str(ROOT), str(Path.home()), socket.gethostname()):
        assert personal not in line


def test_a_taken_port_names_its_program(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setattr(machine, "PORT", other.getsockname()[1])
        with pytest.raises(WorkshopError, match=r"pris par .*python.* \(processus \d+\)"):
            machine.check_port()
    assert "libre" in machine.check_port()


def test_a_python_without_venv_or_network_is_told_what_to_do(monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(machine, "BASE_PYTHON", sys.executable)
        broken.setattr(machine, "_run", lambda *_: subprocess.CompletedProcess([], 1))
        with pytest.raises(WorkshopError, match="python3-venv"):
            machine.check_environment()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(WorkshopError, match="Le réseau ne répond pas"):
        machine.check_environment()


@pytest.mark.parametrize(
    "name",
    [
        *("OneDrive", "OneDrive - Entreprise", "Dropbox", "Mon Drive", "My Drive"),
        *("CloudStorage", "Google Drive", "GoogleDrive", "iCloudDrive", "Mobile Documents"),
    ],
)
def test_a_synchronised_folder_is_refused(monkeypatch, name):
    monkeypatch.setattr(machine, "ROOT", Path("Utilisateurs", "ada", name, "atelier"))
    with pytest.raises(WorkshopError, match=f"synchronise .*{name}"):
        machine.check_folder()


def test_a_full_disk_is_told(monkeypatch):
    monkeypatch.setattr(machine, "NEEDED_MB", 10**12)
    with pytest.raises(WorkshopError, match="Libérez de la place"):
        machine.check_folder()


def missing(name):
    raise PackageNotFoundError(name)


@pytest.mark.parametrize("version", [missing, lambda name: "0.1"])
def test_a_tool_missing_or_of_another_version_is_named(monkeypatch, version):
    monkeypatch.setattr(machine, "version", version)
    with pytest.raises(WorkshopError, match=r"Le paquet Django==5\S+ manque"):
        machine.check_tools()


def test_a_kernel_that_is_not_the_workshop_s_is_told(monkeypatch):
    monkeypatch.setattr(sys, "prefix", "/un/autre/python")
    with pytest.raises(WorkshopError, match="et non celui de l'atelier"):
        machine.check_kernel()


def test_a_silenced_chat_is_told(monkeypatch):
    def refused(*_, **__):
        raise ConnectionRefusedError("refusé")

    monkeypatch.setattr("websockets.sync.client.connect", refused)
    with pytest.raises(WorkshopError, match="Un antivirus ou un pare-feu"):
        machine.check_chat()


class Slow:
    """Une connexion qui répond aussitôt, et met une seconde à se fermer."""

    def __init__(self, *_, **__):
        self.recv = lambda timeout: "Bienvenue"
        self.send = lambda text: None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        time.sleep(1)


def test_the_time_of_an_answer_does_not_count_the_closing(monkeypatch):
    monkeypatch.setattr("websockets.sync.client.connect", Slow)
    said = machine.check_chat()
    assert int(re.search(r"(\d+) ms", said)[1]) < 500


@pytest.mark.parametrize("variable", ["ProgramFiles(x86)", "LocalAppData"])
def test_a_browser_that_is_not_a_command_is_found_where_windows_puts_it(
    monkeypatch, tmp_path, variable
):
    pytest.importorskip("playwright", reason="Playwright manque : requirements-dev.txt")
    chrome = tmp_path / "Google/Chrome/Application/chrome.exe"
    chrome.parent.mkdir(parents=True)
    chrome.touch(mode=0o755)
    places = [name for name in browser.NAMES["chromium"] if variable in name]
    monkeypatch.setitem(browser.NAMES, "chromium", places)
    monkeypatch.setenv(variable, str(tmp_path))
    assert Path(browser.find_browser("chromium")) == chrome


def test_a_real_browser_enters_the_chat(monkeypatch, chromium, tmp_path):
    running = []

    def open_headless(url):
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
        options += [f"--user-data-dir={tmp_path}", "--remote-debugging-port=0", url]
        running.append(subprocess.Popen([chromium, *options], stderr=subprocess.DEVNULL))
        return True

    monkeypatch.setattr(webbrowser, "open", open_headless)
    try:
        assert "il entre dans le chat" in machine.check_browser()
    finally:
        for process in running:
            # Celui de Debian est un programme qui en lance un autre.
            for one in psutil.Process(process.pid).children(recursive=True):
                one.kill()
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    ("opens", "words"), [(False, "Aucun navigateur"), (True, "n'est pas entré")]
)
def test_a_browser_that_does_not_come_is_told(monkeypatch, opens, words):
    monkeypatch.setattr(webbrowser, "open", lambda url: opens)
    monkeypatch.setattr(machine, "BROWSER_SECONDS", 0.5)
    with pytest.raises(WorkshopError, match=words):
        machine.check_browser()


@pytest.mark.parametrize(
    ("policy", "refused"),
    [("LocalMachine=Restricted", False), ("MachinePolicy=AllSigned", True)],
)
def test_only_an_imposed_powershell_policy_is_a_trouble(monkeypatch, policy, refused):
    monkeypatch.setattr(
        machine, "_run", lambda *_: subprocess.CompletedProcess([], 0, stdout=f"{policy}\n")
    )
    if refused:
        with pytest.raises(WorkshopError, match="mouvement 2"):
            machine.check_terminal()
    else:
        assert "aucune stratégie" in machine.check_terminal()
