"""Des dessins SVG, que l'on lit sur fond clair et sur fond sombre : des barres, des messages."""
