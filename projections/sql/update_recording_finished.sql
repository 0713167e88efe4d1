-- Writes table recording of package projections.
UPDATE recording SET cause = n.cause, started_at = n.started, ended_at = n.ended, duration_ms = n.duration_ms, bytes = n.bytes, parts = n.parts::jsonb
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::text[])
    AS n (id, cause, started, ended, duration_ms, bytes, parts) WHERE recording.id = n.id
