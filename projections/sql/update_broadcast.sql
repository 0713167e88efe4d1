UPDATE broadcast SET stopped_at = n.at, reason = n.reason, bytes = n.bytes
FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::bigint[]) AS n (id, at, reason, bytes) WHERE broadcast.id = n.id
