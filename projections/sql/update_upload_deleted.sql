-- Writes table upload of package projections.
UPDATE upload SET deleted_at = n.at FROM unnest($1::text[], $2::timestamptz[]) AS n (id, at) WHERE upload.id = n.id
