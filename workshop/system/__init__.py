"""La machine : installer, lancer des processus, se souvenir, parler au terminal."""
