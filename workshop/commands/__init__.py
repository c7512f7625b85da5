"""Les commandes : celles de qui apprend, de qui anime, de qui change l'atelier."""
