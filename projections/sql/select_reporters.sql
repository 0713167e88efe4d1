-- Reads table report_entry of package projections.
SELECT user_id FROM report_entry WHERE live_id = $1 AND report = $2 ORDER BY user_id
