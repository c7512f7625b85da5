"""La base de données : ses tables suivent les migrations, qui doivent suivre les modèles."""

from pathlib import Path

from workshop.diagnosis.case import Case


def missing_migration(case: Case):
    """La base se plaint, et un modèle a changé sans sa migration.

    Les buts jugés dans le processus ne le voient pas : leur base d'essai vient des modèles.
    """
    complaint, _ = case.find("OperationalError|ProgrammingError|IntegrityError")
    if not complaint or not case.application:
        return None
    for app, model in _changed_models(case):
        what = f"Le modèle {model} a changé" if model else "Un modèle a disparu"
        return case.says(
            "missing-migration",
            f"{what} sans sa migration. Dans le terminal « projet », tapez : python manage.py "
            f"makemigrations {app}, puis python manage.py migrate",
            case.project.where_is(model),
        )
    return None


def _changed_models(case: Case):
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
