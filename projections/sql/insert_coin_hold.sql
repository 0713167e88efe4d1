-- Writes table coin_hold of package projections.
INSERT INTO coin_hold (user_id, position) SELECT u, $2 FROM unnest($1::bigint[]) AS u ON CONFLICT DO NOTHING
