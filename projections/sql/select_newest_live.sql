-- Reads table live of package projections.
SELECT coalesce(max(id), 0) FROM live
