-- Writes table live_mode of package projections.
DELETE FROM live_mode WHERE (live_id, mode) IN (SELECT * FROM unnest($1::bigint[], $2::text[]))
