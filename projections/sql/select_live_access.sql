-- Reads table live_access of package projections.
SELECT access, credential, price, min_age FROM live_access WHERE live_id = $1
