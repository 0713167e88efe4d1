-- How many processes hold connections: each has one of its own by which it is known as alive.
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1
