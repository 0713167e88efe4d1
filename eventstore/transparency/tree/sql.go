package tree

import _ "embed" // for the statements

// Each file contains one statement.
var (
	//go:embed sql/select_state.sql
	selectState string
	//go:embed sql/lock_tree.sql
	lockTree string
	//go:embed sql/select_events.sql
	selectEvents string
	//go:embed sql/upsert_tiles.sql
	upsertTiles string
	//go:embed sql/update_tree.sql
	updateTree string
	//go:embed sql/insert_checkpoint.sql
	insertCheckpoint string
	//go:embed sql/insert_lost_checkpoint.sql
	insertLostCheckpoint string
	//go:embed sql/delete_checkpoint.sql
	deleteCheckpoint string
	//go:embed sql/update_signed.sql
	updateSigned string
	//go:embed sql/select_tile.sql
	selectTile string
	//go:embed sql/halt_tree.sql
	haltTree string
	//go:embed sql/restart_tree.sql
	restartTree string
	//go:embed sql/select_checkpoints.sql
	selectCheckpoints string
	//go:embed sql/count_tiles.sql
	countTiles string
	//go:embed sql/insert_cosignature.sql
	insertCosignature string
	//go:embed sql/select_newest_cosignatures.sql
	selectNewestCosignatures string
	//go:embed sql/select_witnesses.sql
	selectWitnesses string
	//go:embed sql/select_cosignatures.sql
	selectCosignatures string
	//go:embed sql/insert_fork.sql
	insertFork string
	//go:embed sql/select_forks.sql
	selectForks string
)
