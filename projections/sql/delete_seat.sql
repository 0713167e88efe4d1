DELETE FROM seat USING unnest($1::text[], $2::bigint[]) AS n (room, guest) WHERE seat.room = n.room AND seat.guest_id = n.guest
