package admin

// Commands contains the administrative commands with their flags.
type Commands struct {
	Migrate migrateCommand `cmd:"" help:"Migrate the database to the schema of this program. serve does so as well."`
	Gift    struct {
		Add      giftAdd      `cmd:"" help:"Add a gift to the catalogue."`
		List     giftList     `cmd:"" help:"List the gift catalogue."`
		Reprice  giftReprice  `cmd:"" help:"Change the price of a gift."`
		Withdraw giftWithdraw `cmd:"" help:"Remove a gift from the catalogue."`
		Refund   giftRefund   `cmd:"" help:"Give the coins of a gift back to its sender."`
		History  giftHistory  `cmd:"" help:"List the gifts that were sent, in a range of positions or times."`
	} `cmd:"" help:"Manage the gift catalogue."`
	Ticket struct {
		List   ticketList   `cmd:"" help:"List the tickets for a live, with their sums."`
		Refund ticketRefund `cmd:"" help:"Give the coins of tickets for a live back to their users."`
	} `cmd:"" help:"Manage tickets for lives."`
	Share struct {
		Set  shareSet  `cmd:"" help:"Set the platform's share of gifts that are sent from now on."`
		List shareList `cmd:"" help:"List the rules that have split gifts and tickets, newest first."`
	} `cmd:"" help:"Split gifts between streamers and the platform."`
	Payout struct {
		Request payoutRequest `cmd:"" help:"Hold earnings of a streamer until the streamer has been paid."`
		Capture payoutCapture `cmd:"" help:"Record that a payout was paid outside roomlog."`
		Void    payoutVoid    `cmd:"" help:"Give the coins of a payout that was not paid back to the earnings."`
		List    payoutList    `cmd:"" help:"List payouts, newest first."`
	} `cmd:"" help:"Pay out the earnings of streamers."`
	Coins struct {
		Credit      coinsCredit      `cmd:"" help:"Credit a user with coins, once per order."`
		Correct     coinsCorrect     `cmd:"" help:"Propose a correction of a balance, which another operator must approve."`
		Approve     coinsApprove     `cmd:"" help:"Approve a correction that another operator has proposed."`
		Reject      coinsReject      `cmd:"" help:"Reject or withdraw a correction."`
		Corrections coinsCorrections `cmd:"" help:"List corrections of balances, newest first."`
	} `cmd:"" help:"Manage coins."`
	Ledger struct {
		Balance    ledgerBalance    `cmd:"" help:"Show the balances of all accounts, now or as of a position or a time. They add up to 0."`
		Statement  ledgerStatement  `cmd:"" help:"List the postings of an account, with its opening and closing balance."`
		Reconcile  ledgerReconcile  `cmd:"" help:"Show whether the log, the tables, the ledger and the transparency log agree now, and what is not final."`
		Settlement ledgerSettlement `cmd:"" help:"Settle the earnings of a streamer for a period: gifts, refunds, payouts, corrections and sums."`
	} `cmd:"" help:"Read the double-entry bookkeeping of coins."`
	User struct {
		List    userList    `cmd:"" help:"List users with roles and coins."`
		Disable userDisable `cmd:"" help:"Disable a user: no sign-in, and all connections are closed."`
		Enable  userEnable  `cmd:"" help:"Enable a disabled user."`
		Grant   userGrant   `cmd:"" help:"Grant a role to a user."`
		Revoke  userRevoke  `cmd:"" help:"Revoke a role of a user."`
		Forget  userForget  `cmd:"" help:"Erase the personal texts of a user for ever."`
	} `cmd:"" help:"Manage users and their roles."`
	Room struct {
		Add    roomAdd    `cmd:"" help:"Create a chat room."`
		List   roomList   `cmd:"" help:"List the chat rooms."`
		Remove roomRemove `cmd:"" help:"Remove a chat room for ever."`
	} `cmd:"" help:"Manage chat rooms."`
	Participant struct {
		List   participantList   `cmd:"" help:"List the participants of the chat."`
		Forget participantForget `cmd:"" help:"Erase the texts of a participant who was not signed in."`
	} `cmd:"" help:"Manage participants of the chat. A participant is one connection."`
	Streams struct {
		List     streamsList     `cmd:"" help:"List the streams of all nodes."`
		Players  streamsPlayers  `cmd:"" help:"List the players of a live."`
		Targets  streamsTargets  `cmd:"" help:"List the targets to which the broadcasts of a live are pushed on, with their states."`
		Untarget streamsUntarget `cmd:"" help:"Remove a target to which the broadcasts of a live are pushed on."`
		Kick     streamsKick     `cmd:"" help:"End the stream of a live, or disconnect a player."`
	} `cmd:"" help:"Inspect and end media streams."`
	Live struct {
		List liveList `cmd:"" help:"List the lives that are on air."`
		Stop liveStop `cmd:"" help:"End a live for ever."`
		Mode liveMode `cmd:"" help:"Switch a mode of a live, which restricts comments, on or off."`
		Age  liveAge  `cmd:"" help:"Set the age that viewers of a live need."`

		Access liveAccess `cmd:"" help:"Set who may be in a live."`

		Acts liveActs `cmd:"" help:"List what moderators did in a live: bans, mutes, warnings, removed and reviewed comments, reports, modes, appointments. The newest 500."`
	} `cmd:"" help:"Manage lives."`
	Invitation struct {
		List   invitationList   `cmd:"" help:"List the invitations to a live."`
		Revoke invitationRevoke `cmd:"" help:"Revoke an invitation to a live. Users who have used it are removed from the live."`
	} `cmd:"" help:"Manage invitations to lives."`
	Moderator struct {
		Appoint moderatorAppoint `cmd:"" help:"Let a user moderate a live."`
		List    moderatorList    `cmd:"" help:"List the moderators of a live."`
		Remove  moderatorRemove  `cmd:"" help:"Take the rights of a moderator of a live away."`
	} `cmd:"" help:"Manage the moderators of lives."`
	Comment struct {
		Remove commentRemove `cmd:"" help:"Remove a comment from everything that clients see."`
		Clear  commentClear  `cmd:"" help:"Remove all comments that a user has posted in a live so far, and drop those that are held."`

		Held    commentHeld    `cmd:"" help:"List the comments of a live that wait for a review."`
		Release commentRelease `cmd:"" help:"Post a held comment."`
		Drop    commentDrop    `cmd:"" help:"Drop a held comment."`
	} `cmd:"" help:"Remove comments, and review held ones."`
	Moderation struct {
		Try moderationTry `cmd:"" help:"Show what other word lists and modes would have done in a past show."`
	} `cmd:"" help:"Try rules for comments."`
	Report struct {
		List   reportList   `cmd:"" help:"List the reports of comments and users: the newest 500."`
		Claim  reportClaim  `cmd:"" help:"Claim a report for 10 minutes."`
		Decide reportDecide `cmd:"" help:"Decide about a report. Those who reported are notified."`
	} `cmd:"" help:"Manage reports of comments and users."`
	Words struct {
		Add    wordsAdd    `cmd:"" help:"Add words that are not allowed in comments."`
		List   wordsList   `cmd:"" help:"List the words that are not allowed in comments."`
		Remove wordsRemove `cmd:"" help:"Remove words from a list."`
	} `cmd:"" help:"Manage the words that are not allowed in comments."`
	Webhooks struct {
		Add     webhookAdd     `cmd:"" help:"Send events to a URL."`
		List    webhookList    `cmd:"" help:"List the webhooks, and how far their receivers are."`
		Change  webhookChange  `cmd:"" help:"Change the URL and the events of a webhook, or replace its secret."`
		Remove  webhookRemove  `cmd:"" help:"Remove a webhook."`
		Replay  webhookReplay  `cmd:"" help:"Let a webhook continue at a place of the log."`
		Dead    webhookDead    `cmd:"" help:"List the events that the receiver of a webhook has not accepted in time."`
		Retry   webhookRetry   `cmd:"" help:"Send dead letters of a webhook again."`
		Secrets webhookSecrets `cmd:"" help:"Print the secrets that sign the requests of a webhook."`
	} `cmd:"" help:"Send events to URLs of other systems."`
	Top     topCommand     `cmd:"" help:"Show nodes, connections, streams and rates, and update them."`
	Sockets socketsCommand `cmd:"" help:"List the connections of all nodes."`
	Kick    kickCommand    `cmd:"" help:"Close the connections of a user, or one connection."`
	Ban     banCommand     `cmd:"" help:"Ban a user from everything, or from one live."`
	Unban   unbanCommand   `cmd:"" help:"Lift a ban."`
	Mute    muteCommand    `cmd:"" help:"Forbid a user to comment in a live, for a time or for good."`
	Unmute  unmuteCommand  `cmd:"" help:"Let a muted user comment in a live again."`
	Warn    warnCommand    `cmd:"" help:"Warn a user in a live. Only the user receives the warning."`
	Events  struct {
		List     eventsList     `cmd:"" help:"List the events that a table could not apply."`
		Inspect  eventsInspect  `cmd:"" help:"Show one event, what is wrong with it, and whose coins it closes."`
		SetAside eventsSetAside `cmd:"" help:"Decide that an event that cannot be applied has no effect, and open the coins that it has closed."`
	} `cmd:"" help:"Inspect events that cannot be applied, and set them aside."`
	Audit struct {
		Status  auditStatus  `cmd:"" help:"Show the transparency log: its size, its newest signed checkpoint, its public key, and whether it is halted."`
		Key     auditKey     `cmd:"" help:"Print the public key that checks the newest checkpoint."`
		Gift    auditGift    `cmd:"" help:"Write the receipt of a gift, with the proof that the log contains it, as a JSON file."`
		Check   auditCheck   `cmd:"" help:"Check the receipt of a gift with a public key, without a database or a server."`
		Pack    auditPack    `cmd:"" help:"Write a range of the log with proofs, statements and a trial balance, as one file."`
		Verify  auditVerify  `cmd:"" help:"Verify packs with a public key, without a database or a server."`
		Restart auditRestart `cmd:"" help:"Begin a new tree of the transparency log after the history of the log has changed."`
	} `cmd:"" help:"Prove events to others with the transparency log, and check such proofs."`
	Replay    replayCommand  `cmd:"" help:"Print what the viewers of a live saw, as fast or slow as you like."`
	Witness   witnessCommand `cmd:"" help:"Follow the transparency log of another server, and report when its history was rewritten."`
	Export    exportCommand  `cmd:"" help:"Write the log as lines of JSON, or as a folder of Parquet, CSV or JSON files for analysts."`
	Analytics struct {
		SQL     analyticsSQL     `cmd:"" name:"sql" help:"Print views that answer frequent questions, for DuckDB or PostgreSQL."`
		Install analyticsInstall `cmd:"" help:"Create the schema analytics in the database, and the role that may read it."`
	} `cmd:"" help:"Answer questions with SQL."`
	Verify  verifyCommand  `cmd:"" help:"Check the log, and every table against it."`
	Rebuild rebuildCommand `cmd:"" help:"Rebuild all tables from the log, beside a running server."`
	Talk    talkCommand    `cmd:"" help:"Open a WebSocket connection to a server and show every frame."`
}
