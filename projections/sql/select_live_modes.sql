-- Reads table live_mode of package projections.
SELECT mode, value, until FROM live_mode WHERE live_id = $1 ORDER BY mode
