INSERT INTO seat (room, guest_id, user_id, joined) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])
