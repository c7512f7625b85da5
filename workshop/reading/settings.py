"""Les réglages de `lire` : ni base, ni comptes ; les portes des chapitres 11 et 12."""

import os
from secrets import token_hex

from csp.constants import NONE, SELF

# Voyez serving.py, qui le choisit.
PAGES = os.environ["ATELIER_PAGES"]
# Rien n'est signé.
SECRET_KEY = token_hex(32)
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
INSTALLED_APPS = ["channels", "csp"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}
ROOT_URLCONF = "workshop.reading.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
LANGUAGE_CODE = "fr-fr"
TIME_ZONE, USE_TZ = None, False
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler", "level": "ERROR"}},
    "root": {"handlers": ["console"]},
    # Une page d'ailleurs est refusée : le terminal n'a pas à en porter la trace.
    "loggers": {"django.security": {"level": "CRITICAL"}},
}
