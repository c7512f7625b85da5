"""`python -m workshop` : les mêmes commandes que `atelier.py`, dans l'environnement courant."""

from workshop.commands.main import main

main()
