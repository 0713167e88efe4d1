DELETE FROM snapshot WHERE stream = ANY ($1::text[])
