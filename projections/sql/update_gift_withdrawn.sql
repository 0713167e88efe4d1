UPDATE gift SET available = false WHERE id = ANY ($1)
