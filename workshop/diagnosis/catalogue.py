"""Toutes les règles, phase après phase : les premières parlent de ce que l'on rencontre d'abord."""

import importlib

from workshop.diagnosis.rules import RULES

PHASES = (
    "suites",
    "outside",
    "files",
    "security",
    "settings",
    "names",
    "middleware",
    "routing",
    "page",
    "history",
    "handshake",
    "consumer",
    "conversation",
    "texts",
    "console",
)

for _name in PHASES:
    importlib.import_module(f"workshop.diagnosis.{_name}")
# Une règle en importe parfois d'une autre phase, qui se déclare alors trop tôt.
RULES.sort(key=lambda rule: PHASES.index(rule.function.__module__.rpartition(".")[2]))
