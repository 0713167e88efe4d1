-- Reads table publish_key of package projections.
SELECT hash, set_at FROM publish_key WHERE live_id = $1
