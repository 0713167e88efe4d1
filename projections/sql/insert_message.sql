-- Writes table message of package projections.
INSERT INTO message (position, id, participant_id, connection, user_id, nickname, kind, text, duration_ms, to_user, to_participant, public, at)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::int[],
    $10::bigint[], $11::bigint[], $12::bool[], $13::timestamptz[])
