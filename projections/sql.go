package projections

import (
	_ "embed"

	"roomlog/internal/sqltemplate"
)

// The SQL statements, each in its own file.
var (
	//go:embed sql/add_coin.sql
	addCoin string
	//go:embed sql/add_live_coin.sql
	addLiveCoin string
	//go:embed sql/add_live_online.sql
	addLiveOnline string
	//go:embed sql/add_look_count.sql
	addLookCount string
	//go:embed sql/delete_chat_membership.sql
	deleteChatMembership string
	//go:embed sql/delete_chat_room.sql
	deleteChatRoom string
	//go:embed sql/delete_coin_closing.sql
	deleteCoinClosing string
	//go:embed sql/delete_coin_held.sql
	deleteCoinHeldText string
	//go:embed sql/delete_coin_hold.sql
	deleteCoinHold string
	//go:embed sql/delete_participant.sql
	deleteParticipant string
	//go:embed sql/erase_comment.sql
	eraseComment string
	//go:embed sql/erase_email.sql
	eraseEmail string
	//go:embed sql/erase_live.sql
	eraseLive string
	//go:embed sql/erase_message.sql
	eraseMessage string
	//go:embed sql/erase_participant.sql
	eraseParticipant string
	//go:embed sql/erase_user_account.sql
	eraseUserAccount string
	//go:embed sql/insert_broadcast.sql
	insertBroadcast string
	//go:embed sql/insert_chat_membership.sql
	insertChatMembership string
	//go:embed sql/insert_chat_room.sql
	insertChatRoom string
	//go:embed sql/insert_coin_closing.sql
	insertCoinClosing string
	//go:embed sql/insert_coin_held.sql
	insertCoinHeld string
	//go:embed sql/insert_coin_hold.sql
	insertCoinHold string
	//go:embed sql/insert_coin_movement.sql
	insertCoinMovement string
	//go:embed sql/insert_comment.sql
	insertComment string
	//go:embed sql/insert_email.sql
	insertEmail string
	//go:embed sql/insert_gift.sql
	insertGift string
	//go:embed sql/insert_gift_record.sql
	insertGiftRecord string
	//go:embed sql/insert_live.sql
	insertLive string
	//go:embed sql/insert_message.sql
	insertMessage string
	//go:embed sql/insert_message_chat_room.sql
	insertMessageChatRoom string
	//go:embed sql/insert_participant.sql
	insertParticipant string
	//go:embed sql/insert_poison.sql
	insertPoison string
	//go:embed sql/insert_recording.sql
	insertRecording string
	//go:embed sql/insert_upload.sql
	insertUpload string
	//go:embed sql/insert_user_account.sql
	insertUserAccount string
	//go:embed sql/insert_versions.sql
	insertVersions string
	//go:embed sql/select_account.sql
	selectAccount string
	//go:embed sql/select_accounts.sql
	selectAccounts string
	//go:embed sql/select_balance.sql
	selectBalance string
	//go:embed sql/select_broadcasts.sql
	selectBroadcasts string
	//go:embed sql/select_chat_presence.sql
	selectChatPresence string
	//go:embed sql/select_chat_room.sql
	selectChatRoomText string
	//go:embed sql/select_chat_room_messages.sql
	selectChatRoomMessagesText string
	//go:embed sql/select_chat_room_users.sql
	selectChatRoomUsers string
	//go:embed sql/select_checkpoint.sql
	selectCheckpointText string
	//go:embed sql/select_coin_holds.sql
	selectCoinHolds string
	//go:embed sql/select_coin_movements.sql
	selectCoinMovementsText string
	//go:embed sql/select_comments.sql
	selectCommentsText string
	//go:embed sql/select_email.sql
	selectEmailText string
	//go:embed sql/select_gauges.sql
	selectGauges string
	//go:embed sql/select_gift_records.sql
	selectGiftRecordsText string
	//go:embed sql/select_gifts.sql
	selectGiftsText string
	//go:embed sql/select_lag.sql
	selectLag string
	//go:embed sql/select_left_schema.sql
	selectLeftSchema string
	//go:embed sql/select_live.sql
	selectLiveText string
	//go:embed sql/select_lives_on_air.sql
	selectLivesOnAir string
	//go:embed sql/select_lives_of_viewers.sql
	selectLivesOfViewers string
	//go:embed sql/select_node_participants.sql
	selectNodeParticipants string
	//go:embed sql/select_node_viewers.sql
	selectNodeViewers string
	//go:embed sql/select_nodes.sql
	selectNodes string
	//go:embed sql/select_poison.sql
	selectPoisonText string
	//go:embed sql/select_present_viewers.sql
	selectPresentViewers string
	//go:embed sql/select_profiles.sql
	selectProfiles string
	//go:embed sql/select_public_messages.sql
	selectPublicMessagesText string
	//go:embed sql/select_recordings.sql
	selectRecordingsText string
	//go:embed sql/select_recordings_deleted.sql
	selectRecordingsDeleted string
	//go:embed sql/select_released_holds.sql
	selectReleasedHolds string
	//go:embed sql/select_generation_comment.sql
	selectGenerationComment string
	//go:embed sql/select_replaced_schemas.sql
	selectReplacedSchemas string
	//go:embed sql/select_roster.sql
	selectRoster string
	//go:embed sql/select_session.sql
	selectSession string
	//go:embed sql/select_unrecorded_holds.sql
	selectUnrecordedHolds string
	//go:embed sql/select_unused_chat_rooms.sql
	selectUnusedChatRooms string
	//go:embed sql/select_unused_credentials.sql
	selectUnusedCredentialsText string
	//go:embed sql/select_unused_uploads.sql
	selectUnusedUploads string
	//go:embed sql/select_deleted_uploads.sql
	selectDeletedUploads string
	//go:embed sql/select_uploads.sql
	selectUploads string
	//go:embed sql/upsert_viewer_ban.sql
	upsertViewerBan string
	//go:embed sql/delete_viewer_ban.sql
	deleteViewerBan string
	//go:embed sql/upsert_publish_key.sql
	upsertPublishKey string
	//go:embed sql/delete_publish_key.sql
	deletePublishKey string
	//go:embed sql/select_viewer_access.sql
	selectViewerAccess string
	//go:embed sql/select_publish_key.sql
	selectPublishKey string
	//go:embed sql/select_first_broadcast.sql
	selectFirstBroadcast string
	//go:embed sql/select_users.sql
	selectUsers string
	//go:embed sql/select_versions.sql
	selectVersions string
	//go:embed sql/select_viewers.sql
	selectViewersText string
	//go:embed sql/update_broadcast.sql
	updateBroadcast string
	//go:embed sql/update_email.sql
	updateEmail string
	//go:embed sql/update_gift_record_refunded.sql
	updateGiftRecordRefunded string
	//go:embed sql/insert_correction.sql
	insertCorrection string
	//go:embed sql/update_correction.sql
	updateCorrection string
	//go:embed sql/select_corrections.sql
	selectCorrectionsText string
	//go:embed sql/select_received.sql
	selectReceived string
	//go:embed sql/select_sent_gift.sql
	selectSentGift string
	//go:embed sql/update_gift_price.sql
	updateGiftPrice string
	//go:embed sql/update_gift_withdrawn.sql
	updateGiftWithdrawn string
	//go:embed sql/update_live_record.sql
	updateLiveRecord string
	//go:embed sql/update_live_status.sql
	updateLiveStatus string
	//go:embed sql/update_participant_name.sql
	updateParticipantName string
	//go:embed sql/update_poison_set_aside.sql
	updatePoisonSetAside string
	//go:embed sql/update_recording_deleted.sql
	updateRecordingDeleted string
	//go:embed sql/update_recording_finished.sql
	updateRecordingFinished string
	//go:embed sql/update_upload_deleted.sql
	updateUploadDeleted string
	//go:embed sql/update_user_account_age.sql
	updateUserAccountAge string
	//go:embed sql/update_user_account_ban.sql
	updateUserAccountBan string
	//go:embed sql/update_user_account_disabled.sql
	updateUserAccountDisabled string
	//go:embed sql/update_user_account_profile.sql
	updateUserAccountProfile string
	//go:embed sql/update_user_account_roles.sql
	updateUserAccountRoles string
	//go:embed sql/update_viewer.sql
	updateViewer string
	//go:embed sql/upsert_session.sql
	upsertSession string
	//go:embed sql/upsert_viewer.sql
	upsertViewer string
)

// The statements with optional parts.
var (
	deleteCoinHeld          = sqltemplate.Must(deleteCoinHeldText)
	selectChatRoom          = sqltemplate.Must(selectChatRoomText)
	selectChatRoomMessages  = sqltemplate.Must(selectChatRoomMessagesText)
	selectCheckpoint        = sqltemplate.Must(selectCheckpointText)
	selectCoinMovements     = sqltemplate.Must(selectCoinMovementsText)
	selectComments          = sqltemplate.Must(selectCommentsText)
	selectEmail             = sqltemplate.Must(selectEmailText)
	selectCorrections       = sqltemplate.Must(selectCorrectionsText)
	selectGiftRecords       = sqltemplate.Must(selectGiftRecordsText)
	selectGifts             = sqltemplate.Must(selectGiftsText)
	selectLive              = sqltemplate.Must(selectLiveText)
	selectPoison            = sqltemplate.Must(selectPoisonText)
	selectPublicMessages    = sqltemplate.Must(selectPublicMessagesText)
	selectRecordings        = sqltemplate.Must(selectRecordingsText)
	selectUnusedCredentials = sqltemplate.Must(selectUnusedCredentialsText)
	selectViewers           = sqltemplate.Must(selectViewersText)
)
