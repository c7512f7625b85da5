"""Compte tous les tests sur une dernière ligne, et prête à chacun ce dont il a besoin."""

import pytest

from workshop.browser import MissingTool, find_chromium


def pytest_addoption(parser):
    parser.addoption("--strict-skips", action="store_true", help="un test sauté est un échec")


def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", [])
    if skipped and session.config.getoption("--strict-skips"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config):
    if reporter := config.pluginmanager.get_plugin("terminalreporter"):
        passed, failed, errors, skipped = (
            reporter.stats.get(name, []) for name in ("passed", "failed", "error", "skipped")
        )
        for report in skipped:
            print(f"sauté : {report.nodeid} : {report.longrepr[2]}")
        print(f"{len(passed)} passed, {len(failed + errors)} failed, {len(skipped)} skipped")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Le chemin d'un Chromium, que Playwright sait conduire."""
    try:
        return find_chromium()
    except MissingTool as error:
        pytest.skip(str(error))
