DELETE FROM roll_call WHERE call = $1
