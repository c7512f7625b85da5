"""La base de données : ses tables suivent les migrations, qui doivent suivre les modèles."""

from collections.abc import Iterator
from pathlib import Path

from workshop.diagnosis.rules import rule
from workshop.project.sources import Place


@rule("OperationalError|ProgrammingError|IntegrityError")
def missing_migration(case, error):
    """Un modèle a changé sans sa migration, ou Django ne voit plus ses migrations.

    Les buts jugés dans le processus ne le voient pas : leur base d'essai vient des modèles.
    """
    for app, model in changed_models(case) if case.application else ():
        folder = (
            f"{case.project.where_is(model).file.rpartition('/')[0]}/migrations" if model else ""
        )
        if case.project.has(f"{folder}/0001_initial.py") and not case.project.has(
            f"{folder}/__init__.py"
        ):
            cause = (
                f"Django ne voit plus les migrations de {folder} : il y manque un fichier, vide, "
                "__init__.py."
            )
            yield "migrations-not-a-package", Place(f"{folder}/__init__.py"), cause
        what = f"Le modèle {model} a changé" if model else "Un modèle a disparu"
        cause = (
            f"{what} sans sa migration. Dans le terminal « projet », tapez : python manage.py "
            f"makemigrations {app}, puis python manage.py migrate"
        )
        yield "missing-migration", None, cause


def changed_models(case) -> Iterator[tuple[str, str]]:
    """Donne l'application et le nom de chaque modèle qui n'est pas celui de ses migrations."""
    from django.apps import apps
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.questioner import MigrationQuestioner
    from django.db.migrations.state import ProjectState
    from django.test import override_settings

    ours = {
        config.label
        for config in apps.get_app_configs()
        if Path(config.path).is_relative_to(case.project.folder)
    }
    # pytest cache les migrations : celles du projet se lisent comme le projet les lit.
    with override_settings(MIGRATION_MODULES=getattr(case.settings, "MIGRATION_MODULES", {})):
        loader = MigrationLoader(None)
    before, now = loader.project_state(), ProjectState.from_apps(apps)
    detector = MigrationAutodetector(before, now, MigrationQuestioner(specified_apps=ours))
    changes = detector.changes(loader.graph, trim_to_apps=ours, convert_apps=ours)
    for app, migrations in changes.items():
        for operation in migrations[0].operations:
            name = getattr(operation, "model_name", getattr(operation, "name", ""))
            found = apps.all_models[app].get(name.lower())
            yield app, found.__name__ if found else ""
