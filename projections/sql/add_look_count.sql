INSERT INTO look_count (live_id, looks) SELECT * FROM unnest($1::bigint[], $2::bigint[])
ON CONFLICT (live_id) DO UPDATE SET looks = look_count.looks + excluded.looks
