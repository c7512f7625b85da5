"""Préparer une machine, et emporter l'atelier sur une clé."""
