-- Uses no table of roomlog.
INSERT INTO audit_state (stream, version, unknown, state)
SELECT * FROM unnest($1::text[], $2::int[], $3::bool[], $4::bytea[])
ON CONFLICT (stream) DO UPDATE SET version = excluded.version, unknown = excluded.unknown, state = excluded.state
