"""La production de l'étape 16 : ce qu'un réglage ou un mandataire a laissé passer."""

from workshop.diagnosis.rules import anywhere, rule, words
from workshop.diagnosis.settings import entrance
from workshop.project.sources import Place

DEPLOYED = range(16, 100)


@rule(steps=DEPLOYED, goals="test_closed")
def development_settings(case):
    """Qui entre par ici a les réglages du développement, qui n'exigent rien. Nommez ceux de la
    production."""
    file = entrance(case).file
    for number, line in enumerate(case.project.source(file).lines, 1):
        if "DJANGO_SETTINGS_MODULE" in line and f'"{case.settings_module}"' in line:
            yield Place(file, number)


words(
    anywhere,
    {
        "no-pool": (
            r"ont ouvert plus de \d+ connexions",
            "Chaque message ouvre sa connexion à PostgreSQL. Une réserve, 'pool', se règle dans "
            "OPTIONS, à l'intérieur de DATABASES.",
        ),
        "password-told": (
            r"^Le journal du serveur montre le mot de passe",
            "L'adresse entière part dans le journal, et le mot de passe y est. Dites la base, la "
            "machine et le port, et rien d'autre.",
        ),
        "origin-not-repeated": (
            r"créer de compte\..* HTTP 403",
            "Django compare l'Origin d'une page à ce que nginx lui répète : le protocole, par "
            "X-Forwarded-Proto, puis le nom et le port, par Host. $http_host a le port, que $host "
            "oublie.",
        ),
        "visitor-believed": (
            r"X-Forwarded-For, et le chat le croit",
            "Un visiteur peut écrire cet en-tête. nginx doit l'écraser, par $remote_addr, et "
            "uvicorn ne croire que nginx.",
        ),
    },
    steps=DEPLOYED,
)
