-- Writes table snapshot of package eventstore.
INSERT INTO snapshot (stream, version, format, state, checksum)
SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::json[], $5::bytea[])
