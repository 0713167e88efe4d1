-- Reads tables live, live_access of package projections.
SELECT count(*) FROM live_access WHERE access IN ('unlisted', 'invited') AND live_id > (SELECT max(id) FROM live) - $1::bigint
