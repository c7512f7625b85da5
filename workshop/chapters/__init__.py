"""Les chapitres : ce qu'ils disent, ce qu'ils font au projet, leurs indices et leurs minutes."""
