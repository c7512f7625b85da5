"""La salle : le tableau de qui anime, et ce que lui dit le `suivre` de chacun."""
