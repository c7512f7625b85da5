"""Ce qui vient d'être écrit se renomme, même si un antivirus le lit encore."""

from pathlib import Path

import pytest

from workshop.project import files


def held(times: int, winerror: int):
    """Renvoie un « renommer » que Windows refuse d'abord, un nombre de fois."""
    rename, refusals = Path.rename, iter(range(times))

    def refused(path, target):
        if next(refusals, None) is None:
            return rename(path, target)
        error = PermissionError(13, "Accès refusé")
        error.winerror = winerror
        raise error

    return refused


def test_a_folder_still_read_is_renamed_a_moment_later(tmp_path, monkeypatch):
    (tmp_path / "neuf").mkdir()
    monkeypatch.setattr(Path, "rename", held(2, 32))
    assert files.renamed(tmp_path / "neuf", tmp_path / "fini") == tmp_path / "fini"
    assert (tmp_path / "fini").is_dir()


@pytest.mark.parametrize(("times", "winerror"), [(1, 17), (1000, 5)])
def test_what_will_not_be_renamed_is_an_error(tmp_path, monkeypatch, times, winerror):
    (tmp_path / "neuf").mkdir()
    monkeypatch.setattr(files, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(Path, "rename", held(times, winerror))
    with pytest.raises(PermissionError):
        files.renamed(tmp_path / "neuf", tmp_path / "fini")
