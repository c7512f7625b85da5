"""Ceux qui entrent dans un chat pendant une vérification, avec ou sans navigateur."""
