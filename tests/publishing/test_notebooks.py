"""Les carnets disent ce que le serveur répond vraiment, et n'en laissent aucun derrière eux."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
import urllib.request

import jupytext
import nbformat
import pytest
from jupyter_client.manager import start_new_kernel

from workshop.basics import ROOT, WorkshopError
from workshop.chapters.steps import all_steps, find_step
from workshop.publishing import kernel
from workshop.publishing.notebooks import different_cells, notebook, own_copy, run, source
from workshop.system.processes import listening

START = """
import sys
sys.path.append("..")
from workshop.publishing.kernel import start
server = start("../solutions/05-consumers")
print(server.port)
"""
CONNECT = """
from websockets.asyncio.client import connect
address = server.url.replace("http", "ws") + "/chat/poneys/"
ws = await connect(address, origin=server.url, proxy=None)
print(await ws.recv())
"""
STEPS = pytest.mark.parametrize("step", all_steps(), ids=lambda step: step.slug)


@STEPS
def test_it_says_what_the_server_answers(step):
    kept = nbformat.read(notebook(step), nbformat.NO_CONVERT)
    assert different_cells(kept, run(source(step), ROOT / "notebooks")) == []


def test_a_falsified_output_is_named():
    kept = nbformat.read(notebook(find_step("05")), nbformat.NO_CONVERT)
    falsified = nbformat.from_dict(json.loads(json.dumps(kept)))
    cell = next(cell for cell in falsified.cells if "Bienvenue" in str(cell.get("outputs")))
    cell.outputs[0].text = cell.outputs[0].text.replace("Bienvenue", "Bonjour")
    (difference,) = different_cells(falsified, kept)
    assert difference.startswith(cell.id) and "Bonjour" in difference


@STEPS
def test_it_speaks_as_the_client_does(step):
    lines = source(step).read_text("utf-8")
    assert "await ws.recv()" in lines or step.number == 1
    assert "connect(" in lines and 'project = "../solutions/' + step.slug + '"' in lines


@STEPS
def test_it_asks_before_it_answers(step):
    cells = jupytext.read(source(step)).cells
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    questions = [text for text in texts if re.search(r"\*\*[^*]*\?\*\*\Z", text)]
    assert len(questions) >= 3
    assert texts[-1].startswith("## À explorer")
    assert 2 <= texts[-1].count("<details><summary>Réponse</summary>") <= 3


def test_own_copy_keeps_the_work_and_hides_the_answers(tmp_path, monkeypatch):
    monkeypatch.setattr("workshop.publishing.notebooks.COPIES", tmp_path / "carnets")
    copy = own_copy(find_step("05"))
    assert not any(cell.get("outputs") for cell in json.loads(copy.read_text("utf-8"))["cells"])
    copy.write_text("le mien", "utf-8")
    assert own_copy(find_step("05")).read_text("utf-8") == "le mien"


class Kernel:
    """Un noyau Jupyter neuf, ouvert dans `notebooks`."""

    def __enter__(self):
        self.manager, self.client = start_new_kernel(cwd=str(ROOT / "notebooks"))
        return self

    def __exit__(self, *_):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def run(self, code, interrupt=None):
        """Renvoie ce qu'affiche une cellule ; l'interrompt après ce nombre de secondes."""
        asked = self.client.execute(code)
        if interrupt:
            time.sleep(interrupt)
            self.manager.interrupt_kernel()
        shown = ""
        while True:
            message = self.client.get_iopub_msg(timeout=20)
            if message["parent_header"].get("msg_id") != asked:
                continue
            content = message["content"]
            if message["msg_type"] == "error":
                shown += "\n".join(content["traceback"])
            elif message["msg_type"] == "status" and content["execution_state"] == "idle":
                return shown
            shown += content.get("text", "")


@pytest.fixture
def jupyter():
    with Kernel() as opened:
        yield opened


def port_of(shown):
    return int(shown.split()[-1])


def closes(port, seconds):
    """Renvoie le temps qu'a mis un port à se fermer ; échoue s'il écoute encore après ce délai."""
    began = time.monotonic()
    while listening(port):
        assert time.monotonic() - began < seconds, "le serveur tourne encore"
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL n'existe pas sous Windows")
def test_a_killed_kernel_leaves_no_server(jupyter):
    port = port_of(jupyter.run(START))
    assert listening(port)
    jupyter.manager.signal_kernel(9)
    closes(port, 2)


def test_a_restarted_kernel_leaves_no_server(jupyter):
    port = port_of(jupyter.run(START))
    jupyter.manager.restart_kernel()
    closes(port, 2)


def test_an_interrupted_cell_lets_go_and_the_server_stays(jupyter):
    port = port_of(jupyter.run(START))
    assert "Bienvenue" in jupyter.run(CONNECT)
    began = time.monotonic()
    shown = jupyter.run("await ws.recv()", interrupt=0.5)
    assert "CancelledError" in shown or "KeyboardInterrupt" in shown
    assert time.monotonic() - began < 2
    assert listening(port)
    shown = jupyter.run('await ws.send("encore là")\nprint(await ws.recv())')
    assert shown == "<Anonymous troll> encore là\n"


def test_starting_again_stops_the_first(jupyter):
    first, second = port_of(jupyter.run(START)), port_of(jupyter.run(START))
    assert listening(second) and not listening(first)


def test_a_project_that_does_not_start_explains_itself(jupyter, tmp_path):
    (tmp_path / "manage.py").write_text("import absent\n", "utf-8")
    shown = jupyter.run(START.replace("../solutions/05-consumers", str(tmp_path)))
    assert "Le serveur ne démarre pas." in shown and "No module named 'absent'" in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize("folder", ["../live-qui-manque", "../steps"])
def test_a_folder_that_is_no_project_is_named(folder):
    with pytest.raises(WorkshopError, match=r"manage\.py"):
        kernel.start(str(ROOT / "notebooks" / folder))


def test_a_line_that_does_not_come_is_said(monkeypatch):
    monkeypatch.setattr(kernel, "JOURNAL_SECONDS", 1)
    server = kernel.start(str(find_step("05").solution))
    try:
        assert "toujours pas de « DISCONNECT »" in asyncio.run(server.journal("DISCONNECT"))
    finally:
        server.stop()


def lab(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "workshop", "carnets", *arguments, "--sans-navigateur"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_jupyterlab_answers_and_stops_with_the_command(end):
    process = lab("05")
    try:
        url = next(re.search(r"http\S+", line)[0] for line in process.stdout if "http" in line)
        with urllib.request.urlopen(url, timeout=10) as page:
            assert "JupyterLab" in page.read().decode()
    finally:
        getattr(process, end)()
        process.wait()
    closes(int(re.search(r":(\d+)/", url)[1]), 6)


def test_an_unknown_notebook_is_a_sentence():
    _, errors = lab("42").communicate(timeout=20)
    assert "Il n'y a pas d'étape « 42 »" in errors and "Traceback" not in errors
