-- Writes table user_account of package projections.
INSERT INTO user_account (id, username, nickname, avatar, name_key, credential, created_at)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
