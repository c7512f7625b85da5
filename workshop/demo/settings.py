"""Les réglages du projet, avec les routes de la démonstration."""

from live.settings import *  # noqa: F403

ROOT_URLCONF = "workshop.demo.urls"
