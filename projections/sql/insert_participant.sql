-- Writes table participant of package projections.
INSERT INTO participant (id, connection, profile, user_id, nickname, name_key, node, entered_at)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::timestamptz[])
