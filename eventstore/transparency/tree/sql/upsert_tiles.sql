-- Writes table tlog_tile of package eventstore/transparency/tree.
INSERT INTO tlog_tile (level, index, hashes) SELECT * FROM unnest($1::int[], $2::bigint[], $3::bytea[])
ON CONFLICT (level, index) DO UPDATE SET hashes = EXCLUDED.hashes
