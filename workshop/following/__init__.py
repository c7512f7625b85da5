"""`suivre` : vérifier à chaque enregistrement, et montrer."""
