-- Writes table chat_room of package projections.
DELETE FROM chat_room WHERE id = ANY ($1)
