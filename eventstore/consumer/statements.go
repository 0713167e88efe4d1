package consumer

import _ "embed" // for the statements

// Each file contains one statement.
var (
	//go:embed sql/select_batch.sql
	selectBatch string
	//go:embed sql/select_checkpoint.sql
	selectCheckpoint string
	//go:embed sql/update_checkpoint.sql
	updateCheckpoint string
	//go:embed sql/compare_checkpoint.sql
	compareCheckpoint string
	//go:embed sql/insert_checkpoint.sql
	insertCheckpoint string
	//go:embed sql/replace_checkpoint.sql
	replaceCheckpoint string
)
