SELECT hash FROM credential WHERE id = $1
