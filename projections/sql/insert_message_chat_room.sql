-- Writes table message_chat_room of package projections.
INSERT INTO message_chat_room (chat_room_id, position) SELECT * FROM unnest($1::text[], $2::bigint[])
