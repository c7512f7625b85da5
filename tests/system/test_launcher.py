"""Le lanceur : il prépare une fois, ne refait rien ensuite, et dit en une phrase ce qui bloque."""

import ast
import ctypes
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from workshop.basics import ROOT
from workshop.system import installing

# Le Python de la machine : celui d'un environnement se prendrait pour l'atelier.
BASE = str(Path(sys.executable).resolve())
FIRST_TIME = "J'installe les outils"
# Ce qui tourne avant que l'environnement n'existe.
ENGINE = {
    "workshop": ("__init__.py", "basics.py", "facts.py"),
    "workshop/system": ("__init__.py", "installing.py"),
}
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
POSIX = pytest.mark.skipif(os.name == "nt", reason="ces signaux n'existent pas sous Windows")
COMMANDS = """
import os, sys

import brique

def main():
    print('reçu :', sys.argv[1:], sys.prefix, os.environ.get('PYTHONPATH'))
"""


def make_wheel(folder: Path, name: str) -> Path:
    """Écrit dans `folder` un paquet d'un module vide, que pip sait installer ; renvoie son nom."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-1.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    wheel = folder / f"{name}-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in (files | {f"{info}/RECORD": record}).items():
            archive.writestr(path, content)
    return wheel


@pytest.fixture
def workshop(tmp_path, monkeypatch):
    """Un petit atelier, dans un dossier accentué, sans réseau : sa seule dépendance est à côté."""
    folder = tmp_path / "atelier é à"
    (folder / "workshop").mkdir(parents=True)
    shutil.copy(ROOT / "atelier.py", folder)
    for package, names in ENGINE.items():
        (folder / package).mkdir(exist_ok=True)
        for name in names:
            shutil.copy(ROOT / package / name, folder / package)
    (folder / "requirements.txt").write_text("brique\n", "utf-8")
    (folder / "constraints.txt").write_text("", "utf-8")
    (folder / "workshop/commands").mkdir()
    (folder / "workshop/commands/main.py").write_text(COMMANDS, "utf-8")
    make_wheel(tmp_path / "ailleurs", "brique")
    for name in ("UV_NO_INDEX", "PIP_NO_INDEX"):
        monkeypatch.setenv(name, "1")
    for name in ("UV_FIND_LINKS", "PIP_FIND_LINKS"):
        monkeypatch.setenv(name, (tmp_path / "ailleurs").as_uri())
    monkeypatch.setenv("PYTHONUTF8", "1")
    return folder


def launch(folder, *arguments, **options):
    command = [BASE, str(folder / "atelier.py"), *arguments]
    options = {"capture_output": True, "encoding": "utf-8", "timeout": 120} | options
    return subprocess.run(command, **options)


def assert_sound(folder):
    """Le prochain lancement aboutit, et celui d'après n'a plus rien à préparer."""
    done = launch(folder)
    assert (done.returncode, done.stdout[:6]) == (0, "reçu :"), done.stderr
    assert launch(folder).stderr == ""


def assert_one_sentence(done, *words):
    """La commande s'est arrêtée sur une phrase, qui contient `words`, et sans trace."""
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if FIRST_TIME not in line]
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]


def test_prepares_once_then_hands_over(workshop):
    first = launch(workshop, "demo", "05")
    assert FIRST_TIME in first.stderr
    assert first.stdout == f"reçu : ['demo', '05'] {workshop / '.venv'} None\n"
    second = launch(workshop)
    assert second.stderr == ""
    assert second.stdout == f"reçu : [] {workshop / '.venv'} None\n"


def test_a_changed_requirement_is_prepared_again(workshop):
    launch(workshop)
    (workshop / "constraints.txt").write_text("# nouveau\n", "utf-8")
    assert FIRST_TIME in launch(workshop).stderr


@pytest.mark.parametrize("gesture", [Path.rename, shutil.copytree])
def test_a_moved_or_copied_folder_is_prepared_again(workshop, gesture):
    launch(workshop)
    elsewhere = workshop.with_name("ailleurs à nous")
    gesture(workshop, elsewhere)
    done = launch(elsewhere)
    assert FIRST_TIME in done.stderr and str(elsewhere / ".venv") in done.stdout
    assert_sound(elsewhere)


def test_a_damaged_environment_is_made_again(workshop):
    launch(workshop)
    next((workshop / ".venv").rglob("brique.py")).unlink()
    done = launch(workshop)
    assert_one_sentence(done, "abîmé", "brique", "Relancez la même commande")
    assert_sound(workshop)


@POSIX
def test_an_environment_whose_python_is_gone_is_made_again(workshop):
    launch(workshop)
    python = workshop / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nulle/part/python3")
    assert_sound(workshop)


def test_a_deep_path_is_no_trouble(workshop, tmp_path):
    if os.name == "nt":
        pytest.skip("Windows limite la longueur des chemins : le lanceur le dit")
    deep = tmp_path / "un dossier très profond"
    while len(str(deep)) < 200:
        deep /= "où l'on range"
    deep.parent.mkdir(parents=True)
    workshop.rename(deep)
    assert_sound(deep)


def test_the_machine_does_not_change_what_is_installed(workshop, monkeypatch, tmp_path):
    other = tmp_path / "un autre environnement"
    subprocess.run([BASE, "-m", "venv", "--without-pip", str(other)], check=True)
    (tmp_path / "pièges").mkdir()
    (tmp_path / "pièges/click.py").write_text("raise SystemExit('le mauvais click')", "utf-8")
    settings = tmp_path / "pip.conf"
    settings.write_text("[install]\nuser = true\nrequire-hashes = false\n", "utf-8")
    for name, value in {
        "PYTHONPATH": str(tmp_path / "pièges"),
        "PYTHONOPTIMIZE": "2",
        "PYTHONSAFEPATH": "1",
        "PIP_TARGET": str(tmp_path / "cible"),
        "PIP_USER": "1",
        "PIP_CONFIG_FILE": str(settings),
        "VIRTUAL_ENV": str(other),
    }.items():
        monkeypatch.setenv(name, value)
    active = other / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = subprocess.run(
        [active, workshop / "atelier.py"], capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.stdout == f"reçu : [] {workshop / '.venv'} None\n", done.stderr
    assert not (tmp_path / "cible").exists()
    assert_sound(workshop)


def test_a_missing_package_is_a_sentence_and_the_next_launch_completes(workshop):
    (workshop / "requirements.txt").write_text("paquet-qui-n-existe-pas\n", "utf-8")
    assert_one_sentence(launch(workshop), "L'index des paquets", "relancez la même commande")
    (workshop / "requirements.txt").write_text("brique\n", "utf-8")
    assert_sound(workshop)


@pytest.mark.parametrize(
    ("name", "address", "words"),
    [
        ("PIP_INDEX_URL", "http://127.0.0.1:1/simple", "Le réseau ne répond pas"),
        ("HTTPS_PROXY", "http://127.0.0.1:1", "http://127.0.0.1:1)"),
    ],
)
def test_a_dead_network_or_proxy_is_a_sentence(workshop, monkeypatch, name, address, words):
    with monkeypatch.context() as broken:
        for other in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_CONFIG_FILE"):
            broken.delenv(other, raising=False)
        broken.setenv("PIP_CONFIG_FILE", os.devnull)
        broken.setenv("PIP_INDEX_URL", "https://exemple.invalid/simple")
        broken.setenv(name, address)
        assert_one_sentence(launch(workshop), words, "relancez la même commande")
    assert_sound(workshop)


def test_a_kit_installs_without_network(workshop, monkeypatch):
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.delenv("UV_FIND_LINKS")
    make_wheel(workshop / "paquets", "brique")
    assert_sound(workshop)


def test_a_kit_that_lacks_a_package_is_completed_by_the_network(workshop):
    (workshop / "constraints.txt").write_text("--no-index\n--find-links paquets\n", "utf-8")
    make_wheel(workshop / "paquets", "brique")
    make_wheel(workshop.parent / "ailleurs", "autre")
    (workshop / "requirements.txt").write_text("brique\nautre\n", "utf-8")
    assert_sound(workshop)


def without_privilege():
    """Ôte à root, dans le processus qui démarre, le droit d'écrire partout."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE)


def test_a_kit_made_for_another_python_says_so(workshop, monkeypatch):
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "UV_NO_INDEX", "UV_FIND_LINKS"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    make_wheel(workshop / "paquets", "autre")
    assert_one_sentence(launch(workshop), "Le kit n'a pas de paquets", "COMMENCER.html")


@POSIX
def test_without_write_permission_a_sentence(workshop):
    root = {"preexec_fn": without_privilege} if os.geteuid() == 0 else {}
    workshop.chmod(0o555)
    assert_one_sentence(launch(workshop, **root), "pas pu écrire", str(workshop))
    workshop.chmod(0o755)
    assert_sound(workshop)


def no_links(*_, **__):
    raise PermissionError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize(
    ("place", "name", "fault"),
    [(os, "symlink", no_links), (installing, "run", lambda command: 126)],
    ids=["sans lien", "sans exécution"],
)
def test_a_disk_that_cannot_hold_an_environment_is_named(tmp_path, monkeypatch, place, name, fault):
    monkeypatch.setattr(installing, "VENV", str(tmp_path / ".venv"))
    monkeypatch.setattr(place, name, fault)
    if name == "symlink" and sys.platform != "linux":
        pytest.skip("hors de Linux, un environnement se passe de liens")
    with pytest.raises(installing.InstallError, match="une clé USB ou d'un lecteur réseau"):
        installing.create()


@pytest.mark.parametrize(
    ("words", "faults"),
    [
        ("Le disque est plein", ["Errno 28", "Errno 69", "Errno 122", "WinError 112"]),
        ("pas le droit", ["Errno 13", "Errno 30", "WinError 5", "WinError 32"]),
        ("trop long", ["Errno 36", "Errno 63", "WinError 206"]),
    ],
)
def test_a_fault_of_the_disk_is_named(words, faults):
    for fault in faults:
        written = f"ERROR: Could not install packages due to an OSError: [{fault}] oups"
        assert words in installing.sentence(installing.cause(written)), fault


def test_what_pip_says_of_a_path_too_long_is_understood():
    written = (
        "ERROR: Could not install packages due to an OSError: [Errno 2] No such file or directory\n"
        "HINT: This error might have occurred since this system does not have Windows Long Path "
        "support enabled."
    )
    assert installing.cause(written) == installing.TOO_LONG


@pytest.fixture
def preparing(tmp_path, monkeypatch):
    """De quoi appeler `prepare` ici même, dans un dossier où rien n'est installé."""
    monkeypatch.setattr(installing, "VENV", str(tmp_path / ".venv"))
    monkeypatch.setattr(installing, "STAMP", str(tmp_path / ".venv" / "atelier.txt"))
    monkeypatch.setattr(installing, "LOG", tmp_path / ".atelier" / "install.log")
    for name in ("ready", "forget", "create", "install"):
        monkeypatch.setattr(installing, name, lambda *_: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    return monkeypatch


def test_a_disk_full_of_the_old_environment_has_room_for_the_new(preparing, tmp_path):
    old = tmp_path / ".venv" / "ancien.txt"
    old.parent.mkdir()
    old.touch()
    preparing.setattr(installing, "free", lambda folder: 30 if old.exists() else 600)
    preparing.setattr(installing, "create", old.parent.mkdir)
    installing.prepare()
    assert (tmp_path / ".venv" / "atelier.txt").exists()


def test_a_disk_without_room_is_told_before_anything_is_made(preparing, tmp_path):
    preparing.setattr(installing, "free", lambda folder: 499)
    with pytest.raises(SystemExit, match="il reste 499 Mo"):
        installing.prepare()
    assert not (tmp_path / ".venv").exists()


def test_a_path_too_long_for_windows_is_told(preparing):
    preparing.setattr(installing, "os", SimpleNamespace(name="nt", environ=os.environ))
    preparing.setattr(installing, "LONGEST_WINDOWS_ROOT", len(str(ROOT)) - 1)
    with pytest.raises(SystemExit, match="trop long pour ce système"):
        installing.prepare()


@pytest.mark.parametrize(
    ("said", "words"),
    [("[WinError 206] oups", "trop long"), ("grenouille", "ticket : [Errno 22] grenouille")],
)
def test_an_error_of_the_system_is_a_sentence(preparing, said, words):
    def create():
        raise OSError(errno.EINVAL, said)

    preparing.setattr(installing, "create", create)
    with pytest.raises(SystemExit, match=re.escape(words)) as caught:
        installing.prepare()
    assert "pip" not in str(caught.value)


def test_an_install_too_slow_is_given_up_with_all_it_started(monkeypatch, tmp_path):
    monkeypatch.setattr(installing, "LOG", tmp_path / "install.log")
    monkeypatch.setattr(installing, "DEADLINE", 0)
    child = f"import time; time.sleep(60)  # {tmp_path.name}"
    # L'enfant hérite d'un Ctrl-C ignoré, comme ceux d'une commande que l'on ne peut pas arrêter.
    parent = "import signal, subprocess, sys; signal.signal(signal.SIGINT, signal.SIG_IGN);"
    parent += f"subprocess.run([sys.executable, '-c', {child!r}])"
    with pytest.raises(installing.InstallError, match="une demi-heure"):
        installing.run([sys.executable, "-c", parent if os.name != "nt" else child])
    time.sleep(0.2)
    assert not [p for p in psutil.process_iter(["cmdline"]) if child in (p.info["cmdline"] or [])]


def test_a_disk_too_full_for_its_own_log_is_named(monkeypatch):
    monkeypatch.setattr(installing, "free", lambda folder: 3)
    assert "il reste 3 Mo" in installing.sentence(installing.cause(""))


def test_an_unknown_fault_shows_its_last_line():
    assert "grenouille" in installing.sentence(installing.cause("?"), last="grenouille")


def test_the_last_line_is_the_last_that_says_something():
    assert installing.last_line("un\n deux \n \n\n") == "deux"
    assert installing.last_line("\n") == ""


@pytest.mark.parametrize("delay", [0.05, 0.3, 1.0, 2.0])
def test_an_install_killed_in_the_middle_completes(workshop, delay):
    process = psutil.Popen([BASE, str(workshop / "atelier.py")], stdout=subprocess.DEVNULL)
    time.sleep(delay)
    # Sous Windows, le verrou ne s'hérite pas : qui ferme la fenêtre arrête aussi pip.
    for victim in [process, *(process.children(recursive=True) if os.name == "nt" else [])]:
        victim.kill()
    process.wait()
    assert_sound(workshop)


@POSIX
def test_a_killed_compilation_does_not_keep_the_lock(workshop):
    # `python -m compileall` trouve d'abord celui-ci : il laisse un ouvrier, et il est tué.
    (workshop / "compileall.py").write_text(
        "import os, signal, time\n"
        "if not os.fork():\n    time.sleep(8)\n    os._exit(0)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n",
        "utf-8",
    )
    assert "reçu" in launch(workshop, cwd=workshop).stdout
    (workshop / "compileall.py").unlink()
    (workshop / "constraints.txt").write_text("# nouveau\n", "utf-8")
    done = launch(workshop)
    assert FIRST_TIME in done.stderr and "Une autre installation" not in done.stderr


@POSIX
@pytest.mark.parametrize("delay", [0.3, 1.0])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupted_install_says_so_and_leaves_no_process(workshop, name, delay):
    process = psutil.Popen(
        [BASE, str(workshop / "atelier.py")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    time.sleep(delay)
    number = getattr(signal, name)
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    # Sur une machine très chargée, Python lui-même n'a pas fini de démarrer.
    early = "init_import_site" in said or "line 0, in <module>" in said
    if name == "SIGINT":
        assert process.returncode == 0 or "Interrompu. Relancez" in said or early
    else:
        assert process.returncode in (0, 128 + number, -number)
    assert early or "Traceback" not in said
    left = [p for p in psutil.process_iter(["cmdline"]) if str(workshop) in str(p.info["cmdline"])]
    # Sur une machine très chargée, celui que l'on vient d'arrêter met un moment à finir.
    assert not psutil.wait_procs(left, timeout=5)[1]
    assert_sound(workshop)


def with_version(workshop, version, **environment):
    code = f"import runpy, sys; sys.version_info = {version}; sys.argv = ['atelier.py'];"
    code += f"runpy.run_path({str(workshop / 'atelier.py')!r}, run_name='__main__')"
    return subprocess.run(
        [BASE, "-c", code],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        env=os.environ | environment,
    )


def test_an_old_python_is_told_what_to_install(workshop):
    done = with_version(workshop, (3, 9, 1), PATH="")
    assert_one_sentence(done, "Python 3.11 ou plus récent", "le 3.9", "python.org")
    assert not (workshop / ".venv").exists()


@POSIX
def test_an_old_python_names_the_good_one_beside_it(workshop, tmp_path):
    (tmp_path / "python3.12").touch()
    done = with_version(workshop, (3, 9, 1), PATH=str(tmp_path))
    assert_one_sentence(done, "« python3.12 atelier.py »".replace(" »", "\u00a0»")[2:])


def test_a_newer_python_is_warned_and_goes_on(workshop):
    done = with_version(workshop, (3, 99, 0))
    assert done.returncode == 0
    assert "3.99 est plus récent" in done.stderr and "reçu" in done.stdout


def newer_than_python_2(code):
    """Renvoie les lignes d'un code que Python 2.7 ne saurait pas lire."""
    names = "JoinedStr AnnAssign NamedExpr Nonlocal Match YieldFrom Await AsyncFunctionDef TryStar"
    newer = tuple(getattr(ast, name) for name in names.split())
    lines = set()
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                found = any(isinstance(item, ast.Starred) for item in items)
            case ast.Dict(keys=keys):
                found = None in keys
            case ast.Call(func=ast.Name(id="print"), args=args, keywords=keywords):
                found = keywords or len(args) != 1
            case ast.Call(args=args, keywords=keywords):
                starred = [isinstance(one, ast.Starred) for one in args]
                unpacked = [one.arg is None for one in keywords]
                found = True in starred[:-1] or True in unpacked[:-1]
            case ast.Raise(cause=cause):
                found = cause
            case ast.ClassDef(keywords=keywords):
                found = keywords
            case ast.arguments(kwonlyargs=named, posonlyargs=placed):
                found = named or placed
            case ast.arg(annotation=annotation) | ast.FunctionDef(returns=annotation):
                found = annotation
            case ast.BinOp(op=operator):
                found = isinstance(operator, ast.MatMult)
            case _:
                found = isinstance(node, newer)
        if found:
            lines.add(getattr(node, "lineno", 1))
    return sorted(lines)


@pytest.mark.parametrize("name", ["atelier.py", "workshop/__init__.py", "workshop/facts.py"])
def test_an_old_python_can_read_what_the_launcher_reads(name):
    code = (ROOT / name).read_text("utf-8")
    assert code.startswith("# -*- coding: utf-8 -*-\n")
    assert newer_than_python_2(code) == []


@pytest.mark.parametrize(
    "code",
    [
        "f'{a}'",
        "a: int = 1",
        "(a := 1)",
        "def f(a: int): pass",
        "def f() -> int: pass",
        "def f(*, a): pass",
        "def f(a, /): pass",
        "def f():\n    yield from a",
        "async def f(): pass",
        "raise A from b",
        "class A(metaclass=B): pass",
        "a, *b = c",
        "[*a]",
        "{**a}",
        "f(*a, *b)",
        "f(*a, b)",
        "f(**a, b=c)",
        "print(a, file=b)",
        "print()",
        "a @ b",
        "try:\n    a\nexcept* B:\n    c",
    ],
)
def test_what_an_old_python_cannot_read_is_found(code):
    assert newer_than_python_2(code)


def not_in_python(code):
    """Renvoie ce qu'un module importe, où que ce soit, hors de la bibliothèque standard."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            inside = {f"{node.module}.{one.name}" for one in node.names}
            modules = {name for name in inside if (ROOT / f"{name.replace('.', '/')}.py").exists()}
            found |= modules or {node.module}
    return {name for name in found if name.split(".")[0] not in sys.stdlib_module_names}


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("atelier.py", {"workshop.facts", "workshop.system.installing", "workshop.commands.main"}),
        ("workshop/system/installing.py", {"workshop.basics", "workshop.facts"}),
        ("workshop/basics.py", {"workshop.facts"}),
        ("workshop/facts.py", set()),
        ("workshop/__init__.py", set()),
    ],
)
def test_what_runs_before_the_environment_needs_nothing_installed(name, ours):
    # commands vient après : dans l'environnement.
    assert not_in_python((ROOT / name).read_text("utf-8")) == ours


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import click", "click"),
        ("def f():\n    from rich.console import Console", "rich.console"),
        ("import os, workshop.publishing.pages", "workshop.publishing.pages"),
        ("from workshop.publishing import pages", "workshop.publishing.pages"),
        ("from workshop.machine.kit import pack", "workshop.machine.kit"),
    ],
)
def test_an_import_of_something_installed_is_found(code, found):
    assert not_in_python(code) == {found}


def test_two_launches_at_once_install_once(workshop):
    command = [BASE, str(workshop / "atelier.py")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    both = [subprocess.Popen(command, **pipes) for _ in range(2)]
    said = ""
    for process in both:
        out, err = process.communicate(timeout=120)
        assert "reçu" in out and process.returncode == 0, err
        said += err
    assert said.count("Une autre installation est en cours") == 1
