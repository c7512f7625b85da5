# -*- coding: utf-8 -*-
"""Le moteur de l'atelier : un paquet par idée, derrière les commandes de `atelier.py`."""
