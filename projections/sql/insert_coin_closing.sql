-- Writes table coin_closing of package projections.
INSERT INTO coin_closing (user_id, position) SELECT * FROM unnest($1::bigint[], $2::bigint[]) ON CONFLICT DO NOTHING
