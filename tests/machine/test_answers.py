"""`preparer --lire` : les lignes d'une salle, comme les messageries les rendent."""

import platform

import pytest
from click.testing import CliRunner

from workshop.basics import WorkshopError
from workshop.commands.learning import preparer
from workshop.machine.answers import Machine, for_the_kit, machines
from workshop.machine.preparing import summary

MAIL = """\
Ada : atelier · Linux 6.1 · x86_64 · Python 3.12.1 · tout est prêt
> Blaise <blaise@example.org>
> atelier · Windows 11 · AMD64 · Python 3.13.0 · à revoir : port, carnets

Bonjour, voici la mienne :
    atelier · macOS 14.5 · arm64 · Python 3.11.9
 · tout est prêt
Merci !
Désirée\tatelier · Windows 10 · AMD64 · Python 3.9.2 · à revoir\u00a0:
> Python
"Ömer" ; "atelier\u00a0· Linux 6.8 · aarch64 · Python 3.14.0rc2 ·\u00a0tout est\u00a0prêt"
Je viendrai à l'atelier avec Python 3.12.
"""


def test_a_pile_of_mail_becomes_the_room():
    found = machines(MAIL)
    assert [(one.who, one.system, one.python, one.trouble) for one in found] == [
        ("Ada", "Linux 6.1", "3.12", ""),
        ("", "Windows 11", "3.13", "port, carnets"),
        ("", "macOS 14.5", "3.11", ""),
        ("Désirée", "Windows 10", "3.9", "Python"),
        ("Ömer", "Linux 6.8", "3.14", ""),
    ]
    assert [one.is_old for one in found] == [False, False, False, True, False]


@pytest.mark.parametrize("trouble", [[], ["port"], ["Python", "dossier", "carnets"]])
def test_the_line_that_preparer_writes_is_read(trouble):
    (machine,) = machines(summary(trouble))
    assert machine.trouble == ", ".join(trouble)
    assert machine.processor == platform.machine()
    assert platform.python_version().startswith(machine.python)
    assert not machine.is_old


def test_who_wrote_twice_counts_once_and_the_last_line_is_the_good_one():
    lines = [f"Ada : {summary(trouble)}" for trouble in (["port"], [])]
    (machine,) = machines("\n".join(lines))
    assert machine.trouble == ""


def test_the_kit_is_the_one_of_this_room():
    assert for_the_kit(machines(MAIL)) == (
        "--systemes linux,linux-arm,macos,windows --pythons 3.11,3.12,3.13,3.14"
    )
    assert for_the_kit([Machine("", "Windows 10", "AMD64", "3.9", "Python")]) == (
        "--systemes windows"
    )


@pytest.mark.parametrize("text", ["", "Bonjour", "atelier · Linux", "atelier " * 50_000])
def test_nothing_to_read_is_a_sentence(tmp_path, text):
    path = tmp_path / "courrier é.txt"
    path.write_text(text, "utf-8")
    done = CliRunner().invoke(preparer, ["--lire", str(path)])
    assert isinstance(done.exception, WorkshopError)
    assert "aucune ligne de preparer" in str(done.exception)


def test_the_table_says_who_to_call_back(tmp_path):
    path = tmp_path / "courrier.txt"
    path.write_bytes(MAIL.encode("utf-8-sig"))
    done = CliRunner().invoke(preparer, ["--lire", str(path)])
    assert done.exit_code == 0, done.exception
    lines = done.output.splitlines()
    assert lines[1].split() == ["Windows", "11", "(AMD64)", "3.13", "port,", "carnets"]
    assert "3 machines prêtes sur 5." in lines
    assert any(line.endswith("en 32 bits\u00a0: Désirée.") for line in lines)
    assert lines[-1].endswith("--pythons 3.11,3.12,3.13,3.14")


def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    done = CliRunner().invoke(preparer, ["--lire", str(tmp_path / "rien.txt")])
    assert "Je ne peux pas lire" in str(done.exception)
