SELECT count(*) FROM roll_call WHERE call = $1
