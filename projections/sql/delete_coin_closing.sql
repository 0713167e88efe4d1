DELETE FROM coin_closing WHERE position = ANY ($1::bigint[])
