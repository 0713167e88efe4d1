-- Reads table session of package projections.
SELECT coalesce(session, '') FROM session WHERE user_id = $1
