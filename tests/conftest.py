"""Compte tous les tests sur une dernière ligne, et prête à chacun ce dont il a besoin."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import pytest_asyncio

from workshop.browsers.driving import open_browser
from workshop.browsers.finding import MissingTool, find_browser, find_chromium
from workshop.system import memory


def pytest_addoption(parser):
    parser.addoption("--strict-skips", action="store_true", help="un test sauté est un échec")
    parser.addoption("--tout", action="store_true", help="aussi ce qui est lent")


def pytest_sessionfinish(session):
    # Un ouvrier de xdist n'a pas de terminal : il rapporte à celui qui en a un.
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and reporter.stats.get("skipped") and session.config.getoption("--strict-skips"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config):
    if reporter := config.pluginmanager.get_plugin("terminalreporter"):
        passed, failed, errors, skipped = (
            reporter.stats.get(name, []) for name in ("passed", "failed", "error", "skipped")
        )
        for report in skipped:
            print(f"sauté : {report.nodeid} : {report.longrepr[2]}")
        print(f"{len(passed)} passed, {len(failed + errors)} failed, {len(skipped)} skipped")


@pytest.fixture
def own_progress(tmp_path, monkeypatch) -> None:
    """Ce que l'atelier retient va dans un dossier à part."""
    monkeypatch.setattr(memory, "PROGRESS", tmp_path / ".atelier")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Le chemin d'un Chromium, que Playwright sait conduire."""
    try:
        return find_chromium()
    except MissingTool as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def kind(request) -> str:
    """« chromium », puis « firefox »."""
    try:
        find_browser(request.param)
    except MissingTool as error:
        pytest.skip(str(error))
    return request.param


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(kind):
    """Un vrai navigateur sans fenêtre, de cette sorte."""
    async with open_browser(kind) as running:
        yield running


@pytest.fixture(scope="session")
def axe() -> str:
    """Le code d'axe, à lancer dans une page : voyez tests/accessibility.py."""
    package = find_spec("axe_playwright_python")
    if not package:
        pytest.skip("axe manque : installez les paquets de requirements-dev.txt.")
    return Path(package.origin).with_name("axe.min.js").read_text("utf-8")
