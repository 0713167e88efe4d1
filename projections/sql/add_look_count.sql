-- Writes table look_count of package projections.
INSERT INTO look_count (live_id, viewers) SELECT * FROM unnest($1::bigint[], $2::bigint[])
ON CONFLICT (live_id) DO UPDATE SET viewers = look_count.viewers + excluded.viewers
