-- Writes table chat_room of package projections.
INSERT INTO chat_room (id, name, name_key, user_id, position, created_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::timestamptz[])
