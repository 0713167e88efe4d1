UPDATE recording SET reason = n.reason, started_at = n.started, ended_at = n.ended, length_ms = n.length, bytes = n.bytes, parts = n.parts::jsonb
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::text[])
    AS n (id, reason, started, ended, length, bytes, parts) WHERE recording.id = n.id
