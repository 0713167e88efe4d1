SELECT balance FROM coin WHERE account = $1
