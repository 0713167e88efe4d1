package hub

import _ "embed"

// Of roll calls.
var (
	//go:embed sql/delete_roll_call.sql
	deleteRollCall string
	//go:embed sql/insert_roll_call.sql
	insertRollCall string
	//go:embed sql/select_roll_call.sql
	selectRollCall string
	//go:embed sql/select_roll_count.sql
	selectRollCount string
)
