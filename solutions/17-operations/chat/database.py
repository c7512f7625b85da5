import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def introduce():
    """Dit où ce serveur garde ; lève ImproperlyConfigured si PostgreSQL n'ouvre pas."""
    if not settings.DATABASE_URL:
        print("Sans DATABASE_URL, ce serveur garde dans le fichier db.sqlite3.")
        return
    try:
        with psycopg.connect(settings.DATABASE_URL, connect_timeout=5) as one:
            where = f"{one.info.dbname}, à {one.info.host}:{one.info.port}"
    except psycopg.OperationalError as error:
        why = str(error).splitlines()[0]
        raise ImproperlyConfigured(
            f"PostgreSQL ne nous ouvre pas ({why}). Démarrez-le, ou corrigez DATABASE_URL."
        ) from None
    print(f"Ce serveur garde dans la base {where}.")
