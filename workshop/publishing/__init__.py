"""Ce que fait `construire` : solutions, carnets, diapositives, images et pages."""
