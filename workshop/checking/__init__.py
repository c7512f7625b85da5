"""Vérifier un projet : une copie, un processus qui juge, des buts, et la place d'une faute."""
