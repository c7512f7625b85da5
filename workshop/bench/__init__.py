"""`banc` : des chats en course, ce qu'ils livrent, et ce que cela leur coûte."""
