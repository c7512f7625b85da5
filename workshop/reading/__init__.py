"""`lire` : les pages de l'atelier sur la boucle locale et, à côté, les buts de l'étape en cours."""
