INSERT INTO message_room (room, position) SELECT * FROM unnest($1::text[], $2::bigint[])
