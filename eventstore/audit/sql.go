package audit

import _ "embed" // for the statements

// Each file contains one statement.
var (
	//go:embed sql/create_states.sql
	createStates string
	//go:embed sql/select_doubled_ids.sql
	selectDoubledIDs string
	//go:embed sql/select_events.sql
	selectEvents string
	//go:embed sql/select_missing_commands.sql
	selectMissingCommands string
	//go:embed sql/select_payment.sql
	selectPayment string
	//go:embed sql/select_snapshots.sql
	selectSnapshots string
	//go:embed sql/select_states.sql
	selectStates string
	//go:embed sql/select_stray_credentials.sql
	selectStrayCredentials string
	//go:embed sql/select_stray_snapshots.sql
	selectStraySnapshots string
	//go:embed sql/select_wrong_checkpoints.sql
	selectWrongCheckpoints string
	//go:embed sql/select_wrong_commands.sql
	selectWrongCommands string
	//go:embed sql/select_wrong_credentials.sql
	selectWrongCredentials string
	//go:embed sql/select_wrong_live_credentials.sql
	selectWrongLiveCredentials string
	//go:embed sql/select_wrong_store.sql
	selectWrongStore string
	//go:embed sql/upsert_states.sql
	upsertStates string
)
