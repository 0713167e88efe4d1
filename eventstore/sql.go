package eventstore

import (
	_ "embed" // for the statements

	"roomlog/internal/sqltemplate"
)

// Each file contains one statement, so that it can be read, explained and tried separately.
var (
	//go:embed sql/select_head.sql
	selectHead string
	//go:embed sql/select_writability.sql
	selectWritability string
	//go:embed sql/select_standby.sql
	selectStandby string
	//go:embed sql/select_copied.sql
	selectCopied string
	//go:embed sql/select_event_ids.sql
	selectEventIDs string
	//go:embed sql/select_events.sql
	selectEvents string
	//go:embed sql/select_live_events.sql
	selectLiveEvents string
	//go:embed sql/select_typed_events.sql
	selectTypedEvents string
	//go:embed sql/select_stream_events.sql
	selectStreamEvents string
	//go:embed sql/select_position_before.sql
	selectPositionBefore string
	//go:embed sql/count_events.sql
	countEventsText string
	//go:embed sql/select_raw_events.sql
	selectRawEvents string
	//go:embed sql/select_raw_events_at.sql
	selectRawEventsAt string
	//go:embed sql/select_raw_live_events.sql
	selectRawLiveEvents string
	//go:embed sql/select_stream.sql
	selectStream string
	//go:embed sql/select_states.sql
	selectStates string
	//go:embed sql/select_versions.sql
	selectVersions string
	//go:embed sql/select_newest_of_type.sql
	selectNewestOfType string
	//go:embed sql/select_profiles.sql
	selectProfiles string
	//go:embed sql/select_set_aside.sql
	selectSetAside string
	//go:embed sql/insert_events.sql
	insertEvents string

	//go:embed sql/select_commands.sql
	selectCommands string
	//go:embed sql/insert_commands.sql
	insertCommands string
	//go:embed sql/delete_old_commands.sql
	deleteOldCommands string

	//go:embed sql/insert_snapshots.sql
	insertSnapshots string
	//go:embed sql/delete_snapshots.sql
	deleteSnapshots string

	//go:embed sql/select_user_keys.sql
	selectUserKeys string
	//go:embed sql/insert_user_keys.sql
	insertUserKeys string
	//go:embed sql/delete_user_keys.sql
	deleteUserKeys string
	//go:embed sql/select_forgotten.sql
	selectForgotten string

	//go:embed sql/insert_credential.sql
	insertCredential string
	//go:embed sql/select_credential.sql
	selectCredential string
	//go:embed sql/delete_credentials.sql
	deleteCredentials string
	//go:embed sql/delete_user_credentials.sql
	deleteUserCredentials string
)

// countEvents is the statement with optional parts.
var countEvents = sqltemplate.Must(countEventsText)
