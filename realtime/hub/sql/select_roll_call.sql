SELECT total, sockets FROM roll_call WHERE call = $1 ORDER BY process
