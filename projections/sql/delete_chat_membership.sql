-- Writes table chat_membership of package projections.
DELETE FROM chat_membership USING unnest($1::text[], $2::bigint[]) AS n (chat_room_id, participant_id) WHERE chat_membership.chat_room_id = n.chat_room_id AND chat_membership.participant_id = n.participant_id
