"""Les réglages du projet, avec les routes de la démonstration."""

from live.settings import *  # noqa: F403

ROOT_URLCONF = "workshop.demo.urls"
# Un navigateur porte peut-être la session d'un autre projet local : celle-ci ne la lit pas.
SESSION_COOKIE_NAME = "sessionid_demo"
