"""Toutes les règles, phase après phase : les premières parlent de ce que l'on rencontre d'abord."""

import importlib

PHASES = (
    "suites",
    "files",
    "settings",
    "console",
    "outside",
    "security",
    "names",
    "middleware",
    "routing",
    "page",
    "history",
    "consumer",
    "handshake",
    "conversation",
    "texts",
)

for _name in PHASES:
    importlib.import_module(f"workshop.diagnosis.{_name}")
