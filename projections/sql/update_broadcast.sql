-- Writes table broadcast of package projections.
UPDATE broadcast SET stopped_at = greatest(broadcast.started_at, n.at), cause = n.cause, bytes = n.bytes
FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::bigint[]) AS n (id, at, cause, bytes) WHERE broadcast.id = n.id
