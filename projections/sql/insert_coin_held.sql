-- Writes table coin_held of package projections.
INSERT INTO coin_held (user_id, position) SELECT * FROM unnest($1::bigint[], $2::bigint[]) ON CONFLICT DO NOTHING
