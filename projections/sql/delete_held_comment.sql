-- Writes table held_comment of package projections.
DELETE FROM held_comment WHERE (live_id, held) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))
