-- Writes table publish_key of package projections.
DELETE FROM publish_key WHERE live_id = ANY ($1::bigint[])
