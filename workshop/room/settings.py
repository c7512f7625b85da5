"""Les réglages du tableau : ni base, ni comptes ; ce que les chapitres ont appris du reste."""

import os
import sys

from csp.constants import NONE, SELF

from workshop.chapters.steps import find_step

# Le chat des chapitres : le salon est le sien, et ses limites servent au tableau.
CHAT = find_step("13").solution
sys.path.insert(0, str(CHAT))

# Voyez serving.py, qui les choisit.
SECRET_KEY = os.environ["ATELIER_ROOM_KEY"]
ROOM_PATH = os.environ["ATELIER_ROOM_PATH"]
BOARD_PATH = os.environ["ATELIER_BOARD_PATH"]
ALLOWED_HOSTS = os.environ["ATELIER_ROOM_HOSTS"].split()
PLAN = os.environ["ATELIER_ROOM_PLAN"]
PLAN_START = int(os.environ["ATELIER_ROOM_START"])

DEBUG = False
INSTALLED_APPS = ["django.contrib.staticfiles", "channels", "csp", "workshop.room"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}
# L'adresse du tableau est un secret : un lien ne l'emporte pas.
SECURE_REFERRER_POLICY = "same-origin"

ROOT_URLCONF = "workshop.room.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

# Le nom que l'on prend au salon tient dans un cookie signé.
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "atelier_salle", "atelier_salle_jeton"

STATIC_URL = "/static/"
STATICFILES_DIRS = [CHAT / "chat" / "static"]

LANGUAGE_CODE = "fr-fr"
# L'heure est celle de la machine : sans cela, Django la mettrait à celle de Chicago.
TIME_ZONE, USE_TZ = None, False
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler", "level": "ERROR"}},
    "root": {"handlers": ["console"]},
}
