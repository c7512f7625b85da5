"""Toutes les règles, phase après phase : les premières parlent de ce que l'on rencontre d'abord."""

import importlib

PHASES = (
    "suites",
    "files",
    "settings",
    "middleware",
    "console",
    "outside",
    "security",
    "names",
    "routing",
    "page",
    "history",
    "consumer",
    "handshake",
    "relay",
    "production",
    "conversation",
    "texts",
)

for _name in PHASES:
    importlib.import_module(f"workshop.diagnosis.{_name}")
