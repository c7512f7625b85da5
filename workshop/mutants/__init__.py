"""Une suite de tests à l'épreuve : elle passe sur le chat, puis sur des chats cassés."""
