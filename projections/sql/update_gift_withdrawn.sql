UPDATE gift SET listed = false WHERE id = ANY ($1)
