-- Writes table chat_membership of package projections.
INSERT INTO chat_membership (chat_room_id, participant_id, user_id, joined_position) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])
