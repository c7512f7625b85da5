"""Le projet de l'apprenant : ses fichiers, son Python, son serveur, ses sauvegardes."""
