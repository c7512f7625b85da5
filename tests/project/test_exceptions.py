"""Ce que le journal d'un serveur dit du projet, et ce qui n'est la faute de personne."""

from types import SimpleNamespace

import pytest

from workshop.project.serving import Crash, require_no_exception

TRACE = """Traceback (most recent call last):
  File "{library}/site-packages/channels/consumer.py", line 59, in __call__
    await self.dispatch(message)
  File "{file}", line 45, in receive
    await self.send("Bonjour")
{last}
"""


def logged(tmp_path, last: str, file: str = "") -> SimpleNamespace:
    """Renvoie un serveur qui n'a que son journal : une exception passée par ce fichier."""
    written = TRACE.format(library=tmp_path, file=file or tmp_path / "chat/consumers.py", last=last)
    return SimpleNamespace(project=tmp_path, log=f"HTTP GET /\n{written}HTTP GET /\n")


def test_an_exception_of_the_project_is_said(tmp_path):
    with pytest.raises(Crash, match="KeyError : 'room'"):
        require_no_exception(logged(tmp_path, "KeyError: 'room'"))


@pytest.mark.parametrize(
    "last",
    [
        "autobahn.exception.Disconnected: Attempt to send on a closed protocol",
        "ValueError: No route found for path 'autre/'.",
    ],
)
def test_who_leaves_or_knocks_elsewhere_is_nobody_s_fault(last, tmp_path):
    require_no_exception(logged(tmp_path, last))


def test_what_a_library_does_alone_is_not_the_project_s(tmp_path):
    require_no_exception(logged(tmp_path, "KeyError: 'room'", "/ailleurs/bibliotheque.py"))
