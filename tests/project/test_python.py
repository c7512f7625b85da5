"""Les réglages d'un projet sont ceux que choisit son manage.py, quelle que soit la façon."""

import os
import sys

import pytest

from workshop.project.python import DEFAULT, SETTINGS, settings_module

RUN = """
import os, sys

def main():
    {choice}
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)

if __name__ == "__main__":
    main()
"""
CHOICES = {
    "setdefault": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.dev')",
    "affectation": "os.environ['DJANGO_SETTINGS_MODULE'] = 'config.dev'",
    "variable": "stage = 'dev'; os.environ.setdefault('DJANGO_SETTINGS_MODULE', f'config.{stage}')",
    "update": "os.environ.update(DJANGO_SETTINGS_MODULE='config.dev')",
    "selon la commande": "os.environ['DJANGO_SETTINGS_MODULE'] = "
    "'config.test' if sys.argv[1:2] == ['test'] else 'config.dev'",
    "un autre fichier": "import stage; os.environ['DJANGO_SETTINGS_MODULE'] = stage.SETTINGS",
}


@pytest.mark.parametrize("choice", CHOICES)
def test_the_settings_are_those_that_manage_chooses(choice, tmp_path, monkeypatch):
    monkeypatch.setenv(SETTINGS, "ailleurs.settings")
    path, arguments = [*sys.path], [*sys.argv]
    (tmp_path / "stage.py").write_text("SETTINGS = 'config.dev'\n", "utf-8")
    (tmp_path / "manage.py").write_text(RUN.format(choice=CHOICES[choice]), "utf-8")
    assert settings_module(tmp_path) == "config.dev"
    assert (sys.path, sys.argv, os.environ[SETTINGS]) == (path, arguments, "ailleurs.settings")


def test_a_byte_order_mark_changes_nothing(tmp_path):
    code = RUN.format(choice=CHOICES["affectation"])
    (tmp_path / "manage.py").write_text(code, "utf-8-sig")
    assert settings_module(tmp_path) == "config.dev"


@pytest.mark.parametrize("code", ["", "nulle part", "import nulle_part", "import sys; sys.exit(3)"])
def test_a_manage_that_does_not_run_names_the_usual_ones(code, tmp_path):
    (tmp_path / "manage.py").write_text(code, "utf-8")
    assert settings_module(tmp_path) == DEFAULT
    assert settings_module(tmp_path / "absent") == DEFAULT
