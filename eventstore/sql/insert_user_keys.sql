-- Writes table user_key of package eventstore.
INSERT INTO user_key (user_id, key) SELECT * FROM unnest($1::bigint[], $2::bytea[])
