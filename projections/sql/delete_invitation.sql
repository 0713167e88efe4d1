-- Writes table invitation of package projections.
DELETE FROM invitation WHERE (live_id, id) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))
