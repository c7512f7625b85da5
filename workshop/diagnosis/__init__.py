"""Un but rouge : ce que l'on a observé, ce qui sépare le projet d'une solution, et des mots."""
