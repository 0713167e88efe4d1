-- Writes table recording of package projections.
UPDATE recording SET deleted_at = n.at FROM unnest($1::text[], $2::timestamptz[]) AS n (id, at) WHERE recording.id = n.id
