package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5/middleware"

	"roomlog/api/docpage"
	"roomlog/api/password"
	"roomlog/api/replay"
	"roomlog/api/schemas"
	"roomlog/api/tlog"
	"roomlog/api/web"
	"roomlog/domain"
	"roomlog/projections/ledger"
)

func (r *routes) register() {
	r.router.Use(r.withRequestContext, r.observe, r.recoverPanic, r.allowOrigins, middleware.GetHead)
	r.router.NotFound(r.routeNotFound)
	r.router.MethodNotAllowed(r.methodNotAllowed)
	r.section("Accounts", "Registration, sign-in and the signed-in user.", r.registerAccounts)
	r.section("Lives", "Create, find and moderate lives.", r.registerLives)
	r.section("Recordings", "Recordings of broadcasts.", r.registerRecordings)
	r.section("Gifts and coins", "The gift catalogue, and orders for coins.", r.registerGifts)
	r.section("Uploads", "Images and sounds.", r.registerUploads)
	r.section("Histories", "Viewers, comments, gifts and coins of the past, and the replay of the event log.", r.registerHistory)
	r.section("Transparency log", "The Merkle tree over all events, with which others check that no event was changed.", r.registerTransparency)
	r.section("Streams", "Running streams and their players.", r.registerStreams)
	r.section("Operators", "Connections and bans. Pages of other origins cannot call these endpoints.", r.registerOperator)
	r.section("Webhooks", "Events of the log that are sent to URLs of operators.", r.registerWebhooks)
	r.section("Chat pages", "Sign-in by e-mail address and chat rooms. Every response has status 200; `code` is 0, or 1 with `error`.", r.registerChat)
	r.section("Service", "For monitoring.", r.registerService)
}

func (r *routes) registerAccounts() {
	serve(r, post("/api/reg", "Register an account", anyone(), rateRegistrations).forOldClients().
		executes(domain.RegisterUser{}).refuses(codePasswordsDiff, password.CodeTooShort, password.CodeTooLong, codeSignInBusy), r.registerUser)
	login := post("/api/login", "Sign in; an earlier session of the user ends", anyone(), rateSignIns).forOldClients().
		executes(domain.SignIn{}).refuses(codeCredentials, codeSignInBusy)
	login.Middlewares = huma.Middlewares{r.browserLogin}
	serve(r, login, r.login)
	documentBrowserLogin(r.operation(login), r.huma.OpenAPI().Components.Schemas)
	serve(r, post("/api/logout", "End the session", commander("a token"), rateCommands).forOldClients().executes(domain.SignOut{}), r.logout)
	serve(r, get("/api/user/info", "Read the signed-in user", authenticated("a token"), rateReads).forOldClients(), r.userInfo)
	serve(r, get("/api/user/roles", "List the roles of the signed-in user", authenticated("a token"), rateReads), r.listRoles)
	profile := put("/api/user/profile", "Change the nickname, the avatar or the age of the signed-in user", commander("a token"), rateCommands)
	serve(r, profile.executes(domain.ChangeProfile{}), r.changeProfile)
	serve(r, post("/api/user/follow", "Follow a streamer", commander("a token"), rateCommands).executes(domain.FollowUser{}), act(r.server, followUser))
	serve(r, post("/api/user/unfollow", "End that the caller follows a streamer", commander("a token"), rateCommands).executes(domain.UnfollowUser{}), act(r.server, unfollowUser))
	serve(r, get("/api/user/following", "List the streamers whom the caller follows", authenticated("a token"), rateReads).refuses(codeCursor, codeCursorLost), r.listFollowing)
	serve(r, get("/api/user/followers", "List the followers of the caller", authenticated("a token"), rateReads).refuses(codeCursor, codeCursorLost), r.listFollowers)
	serve(r, get("/api/user/{id}/followers", "Read the number of followers of a user, and whether the caller is one", anyone(), rateReads), r.readFollowerCount)
	age := get("/api/insert", "Increment the age of the signed-in user", commander("a token"), rateCommands).forOldClients().executes(domain.IncrementAge{})
	age.always200 = true
	serveRaw[browserEnvelope](r, age, documentIncrementAge, refuseIncrementAge, r.incrementAge)
}

func (r *routes) registerLives() {
	const owner, moderator = "a token of the live's owner or the role operator", "a token of the live's owner, one of its moderators or the role operator"
	serve(r, post("/api/live/create", "Create a live", commander("a token"), rateCommands).forOldClients().executes(domain.CreateLive{}).
		refuses(password.CodeTooShort, password.CodeTooLong, codeSignInBusy), r.createLive)
	serve(r, post("/api/live/changestatus", "Put a live on air, pause it or end it", commander(owner), rateCommands).forOldClients().executes(domain.ChangeLiveStatus{}).withTexts(texts{
		domain.CodeLiveNotFound: "该直播间不存在",
		domain.CodeLiveEnded:    "该直播间已结束",
	}), r.changeStatus)
	serve(r, get("/api/live/list/{page}", "List lives, newest first", anyone(), rateReads).forOldClients(), r.listLives)
	serve(r, get("/api/live/find", "List lives with a running stream, past lives with a recording, or the caller's lives, newest first", anyone(), rateReads).
		refuses(domain.CodeTokenMissing), r.findLives)
	serve(r, get("/api/live/read/{id}", "Read a live and a sign for its stream", anyone(), rateReads).forOldClients().refuses(domain.CodeLiveNotFound, domain.CodeLivePassword, domain.CodeLiveFollowers, domain.CodeLiveInvited, domain.CodeLivePaid, domain.CodeLiveAge, domain.CodeBanned).withTexts(texts{
		domain.CodeLiveNotFound: "当前直播间不存在",
	}), r.readLive)
	serve(r, post("/api/live/access", "Set who may be in a live", commander(owner), rateSignIns).executes(domain.SetAccess{}).executesRepetitions().
		refuses(password.CodeTooShort, password.CodeTooLong, codeSignInBusy), r.setAccess)
	serve(r, get("/api/live/{id}/access", "Read who may be in a live, and whether the caller may", anyone(), rateReads).refuses(domain.CodeLiveNotFound), r.readAccess)
	serve(r, post("/api/live/enter", "Be let into a live by its password or by an invitation", authenticated("a token"), rateSignIns).
		executes(domain.EnterPassword{}, domain.UseInvitation{}).executesRepetitions().refuses(domain.CodeLivePasswordWrong, codeSignInBusy), r.enterLive)
	serve(r, post("/api/live/min_age", "Set the age that viewers of a live need", commander(owner), rateCommands).executes(domain.SetMinAge{}), act(r.server, setMinAge))
	serve(r, post("/api/live/ticket/buy", "Buy a ticket for a live with coins", commander("a token"), rateCommands).executes(domain.BuyTicket{}).refuses(domain.CodeLiveNotFound), r.buyTicket)
	serve(r, post("/api/live/ticket/refund", "Refund a ticket for a live: its coins go back to its user", commander("a token of the live's owner before the start, or the role operator; of the user of the ticket if the live has ended without a start"), rateCommands).
		executes(domain.RefundTicket{}).refuses(domain.CodeLiveNotFound), r.refundTicket)
	serve(r, post("/api/live/ticket/refund_all", "Refund the next 50 tickets for a live", ownerOr(domain.RoleOperator), rateCommands).
		executes(domain.RefundTicket{}).executesRepetitions(), r.refundTickets)
	serve(r, get("/api/live/{id}/tickets", "List the tickets for a live", ownerOr(domain.RoleOperator), rateReads).refuses(codeCursor, codeCursorLost), r.listTickets)
	serve(r, get("/api/live/{id}/tickets/sums", "Count the tickets for a live", ownerOr(domain.RoleOperator), rateReads), r.readTicketSums)
	serve(r, get("/api/user/tickets", "List the tickets that the caller has bought", authenticated("a token"), rateReads).refuses(codeCursor, codeCursorLost), r.ownTickets)
	serve(r, post("/api/live/invitation/create", "Create an invitation to a live", commander(owner), rateCommands).
		executes(domain.CreateInvitation{}).executesRepetitions(), r.createInvitation)
	serve(r, post("/api/live/invitation/revoke", "Revoke an invitation to a live", commander(owner), rateCommands).executes(domain.RevokeInvitation{}), act(r.server, revokeInvitation))
	serve(r, get("/api/live/{id}/invitations", "List the invitations to a live", ownerOr(domain.RoleOperator), rateReads), r.listInvitations)
	serve(r, post("/api/live/ban", "Ban a user from a live, for a time or for good", commander(moderator), rateCommands).executes(domain.BanViewer{}), act(r.server, banViewer))
	serve(r, post("/api/live/unban", "Lift the ban of a user from a live", commander(moderator), rateCommands).executes(domain.UnbanViewer{}), act(r.server, unbanViewer))
	serve(r, post("/api/live/mute", "Forbid a user to comment in a live, for a time or for good", commander(moderator), rateCommands).executes(domain.MuteViewer{}), act(r.server, muteViewer))
	serve(r, post("/api/live/unmute", "Let a muted user comment in a live again", commander(moderator), rateCommands).executes(domain.UnmuteViewer{}), act(r.server, unmuteViewer))
	serve(r, post("/api/live/moderator/appoint", "Let a user moderate a live", commander(owner), rateCommands).executes(domain.AppointModerator{}), act(r.server, appointModerator))
	serve(r, post("/api/live/moderator/remove", "Take the rights of a moderator of a live away", commander(owner), rateCommands).executes(domain.RemoveModerator{}), act(r.server, removeModerator))
	serve(r, post("/api/live/mode", "Switch a mode of a live, which restricts comments, on or off", commander(moderator), rateCommands).executes(domain.SetMode{}), act(r.server, setMode))
	serve(r, post("/api/live/words/add", "Add words to the list of a live, or of the service", commander(moderator), rateCommands).executes(domain.AddWords{}), act(r.server, addWords))
	serve(r, post("/api/live/words/remove", "Remove words from the list of a live, or of the service", commander(moderator), rateCommands).executes(domain.RemoveWords{}), act(r.server, removeWords))
	serve(r, get("/api/live/{id}/words", "List the words that are not allowed in the comments of a live", moderatorOf(moderator), rateReads), r.listWords)
	serve(r, post("/api/live/comment/remove", "Remove a comment; its author may do so within 60 seconds", commander(moderator+", or of the author"), rateCommands).
		executes(domain.RemoveComment{}), r.removeComment)
	serve(r, post("/api/live/comment/clear", "Remove all comments that a user has posted in a live so far", commander(moderator), rateCommands).executes(domain.ClearComments{}), act(r.server, clearComments))
	r.registerReview(moderator)
	serve(r, get("/api/live/{id}/acts", "List what moderators did in a live: bans, mutes, warnings, removed, released and dropped comments, reports, modes, appointments", authenticated("a token; only the owner of the live and users with the role operator see acts that concern others"), rateReads).
		refuses(codeCursor, codeCursorLost, domain.CodeForbidden, domain.CodeLiveNotFound), r.listActs)
}

func (r *routes) registerRecordings() {
	const owner, moderator = "a token of the live's owner", "a token of the live's owner or the role operator"
	serve(r, post("/api/live/publish_key", "Create the publish key of a live, with which encoders publish until it is replaced or revoked", commander(owner), rateCommands).
		executes(domain.SetPublishKey{}).executesRepetitions(), r.setPublishKey)
	serve(r, post("/api/live/publish_key/revoke", "Revoke the publish key of a live", commander(moderator), rateCommands).
		executes(domain.RevokePublishKey{}), r.revokePublishKey)
	serve(r, post("/api/live/restream", "Set a target to which the broadcasts of a live are pushed on", commander(moderator), rateCommands).
		executes(domain.SetRestream{}).executesRepetitions(), r.setRestream)
	serve(r, post("/api/live/restream/remove", "Remove a target to which the broadcasts of a live are pushed on", commander(moderator), rateCommands).
		executes(domain.RemoveRestream{}), r.removeRestream)
	serve(r, get("/api/live/{id}/restreams", "List the targets to which the broadcasts of a live are pushed on, with their states", ownerOr(domain.RoleOperator), rateReads), r.listRestreams)
	serve(r, get("/api/live/{id}/publish_key", "Read whether a live has a publish key", ownerOr(domain.RoleOperator), rateReads), r.readPublishKey)
	serve(r, post("/api/live/record", "Switch recording of a live on or off, from its next broadcast on", commander(owner), rateCommands).
		executes(domain.SetRecording{}), r.setRecording)
	serve(r, get("/api/live/{id}/recordings", "List the recordings of a live, newest first", anyone(), rateReads).
		refuses(domain.CodeLiveNotFound, domain.CodeLivePassword, domain.CodeLiveFollowers, domain.CodeLiveInvited, domain.CodeLivePaid, domain.CodeLiveAge, domain.CodeBanned), r.listRecordings)
	restricted := []domain.Code{domain.CodeLiveNotFound, domain.CodeRecordingNotFound, domain.CodeLivePassword, domain.CodeLiveFollowers, domain.CodeLiveInvited, domain.CodeLivePaid, domain.CodeLiveAge, domain.CodeBanned, codeCursor, codeCursorLost}
	serve(r, get("/api/live/{id}/replay/comments", "List the comments that were posted while the finished recordings of a live ran, without removed ones", anyone(), rateReads).
		refuses(restricted...), r.replayedComments)
	serve(r, get("/api/live/{id}/replay/gifts", "List the gifts that were sent while the finished recordings of a live ran", anyone(), rateReads).
		refuses(restricted...), r.replayedGifts)
	serve(r, post("/api/live/recording/delete", "Delete a recording", commander(moderator), rateCommands).
		executes(domain.DeleteRecording{}), r.deleteRecording)
}

func (r *routes) registerGifts() {
	serve(r, get("/api/gift/list", "List the gift catalogue", anyone(), rateReads).forOldClients(), r.listGifts)
	serve(r, post("/api/gift/wxpay", "Place an order for coins", commander("a token"), rateCommands).forOldClients().executes(domain.PlaceOrder{}), r.placeOrder)
	serve(r, post("/api/gift/testpay", "Pay an order without money, if the server permits it", authenticated("a token"), rateCommands).
		executes(domain.PayOrder{}).refuses(domain.CodeForbidden), r.testPay)
	serve(r, post("/api/gift/refund", "Refund a gift: its coins go back to its sender", commander("a token of the live's owner or the role operator"), rateCommands).
		executes(domain.RefundGift{}).refuses(domain.CodeGiftRecordNotFound), r.refundGift)
	serve(r, get("/api/share", "Read the platform's share of gifts", authenticated("a token"), rateReads), r.readShare)
	serve(r, get("/api/share/rules", "List the rules that have split gifts and tickets between streamers and the platform, newest first", authenticated("a token with the role auditor or operator"), rateReads).
		refuses(domain.CodeForbidden), r.listShareRules)
	serveRaw[success[string]](r, post("/api/gift/notify", "Report a paid order; called by the payment provider", anyone(), ratePayments).forOldClients().
		executes(domain.PayOrder{}).refuses(codeSignature), documentPayment, plainRefusal, r.payOrder)
}

// registerReview registers the calls about held comments, warnings and reports.
func (r *routes) registerReview(moderator string) {
	serve(r, get("/api/live/{id}/review", "List the comments of a live that wait for a review", authenticated("a token; only the owner and moderators of the live and users with the role operator see comments of others"), rateReads).
		refuses(codeCursor, codeCursorLost, domain.CodeLiveNotFound), r.listHeld)
	serve(r, post("/api/live/comment/release", "Post a held comment", commander(moderator), rateCommands).executes(domain.ReleaseComment{}), r.releaseComment)
	serve(r, post("/api/live/comment/drop", "Drop a held comment", commander(moderator+", or of the author"), rateCommands).executes(domain.DropComment{}), r.dropComment)
	serve(r, post("/api/live/warn", "Warn a user, who alone receives the warning", commander(moderator), rateCommands).executes(domain.WarnViewer{}), act(r.server, warnViewer))
	serve(r, post("/api/live/report", "Report a comment or a user of a live to its moderators", commander("a token"), rateCommands).executes(domain.SendReport{}), r.sendReport)
	serve(r, post("/api/live/report/claim", "Claim a report for 10 minutes", commander(moderator), rateCommands).executes(domain.ClaimReport{}), act(r.server, claimReport))
	serve(r, post("/api/live/report/decide", "Decide about a report; those who reported are notified", commander(moderator), rateCommands).executes(domain.DecideReport{}), r.decideReport)
	serve(r, get("/api/live/{id}/reports", "List the reports in a live", authenticated(moderator), rateReads).
		refuses(codeCursor, codeCursorLost, domain.CodeForbidden, domain.CodeLiveNotFound), r.listReports)
}

func (r *routes) registerUploads() {
	serveRaw[success[string]](r, post("/api/upload", "Upload an image or a sound", authenticated("a token"), rateUploads).forOldClients().
		executes(domain.AddUpload{}).refuses(codeImage, codeImageDamaged, codeImageSize, codeStorageFull), documentUpload, plainRefusal, r.upload)
	const path = "/uploads/{name}"
	r.serveUnlimited(path, "immutable files, cached by clients and proxies", r.serveUpload)
	documentUploads(r, path)
}

func (r *routes) registerHistory() {
	const auditor = "a token, and the role auditor for other users"
	serve(r, get("/api/live/{id}/viewers", "List the viewers of a live, present and past", ownerOr(domain.RoleAuditor), rateReads).refuses(codeCursor, codeCursorLost), r.listViewers)
	serve(r, get("/api/live/{id}/comments", "List the comments of a live", ownerOr(domain.RoleAuditor), rateReads).refuses(codeCursor, codeCursorLost), r.listComments)
	serve(r, get("/api/live/{id}/at", "Read a live as it was at a position of the log or at a time", ownerOr(domain.RoleAnalyst, domain.RoleAuditor), rateReads), r.readLiveAt)
	serve(r, get("/api/gift/history", "List the gifts sent to the caller's lives, or to all lives", authenticated(auditor), rateReads).
		refuses(codeCursor, codeCursorLost, domain.CodeForbidden, domain.CodeLiveNotFound), r.giftHistory)
	serveRaw[any](r, get("/api/gift/{position}/proof", "Read the proof that the transparency log contains a gift", authenticated("a token of the sender of the gift, or the role auditor"), rateReads).
		refuses(domain.CodeForbidden, domain.CodeGiftRecordNotFound, tlog.CodeNotSigned), documentGiftProof, plainRefusal, r.giftProof)
	serve(r, get("/api/gift/{position}/delivery", "Count the connections that have received the push of a gift", authenticated("a token of the sender or the streamer of the gift, or the role auditor or operator"), rateReads).
		refuses(domain.CodeForbidden, domain.CodeGiftRecordNotFound), r.readGiftDelivery)
	serve(r, get("/api/live/{id}/deliveries", "Sum the deliveries of all gifts in a live", ownerOr(domain.RoleOperator, domain.RoleAuditor), rateReads), r.readLiveDelivery)
	serveRaw[any](r, get("/api/coin/{position}/proof", "Read the proof that the transparency log contains an event that moves coins", role(domain.RoleAuditor), rateReads).
		refuses(tlog.CodeNotSigned), documentCoinProof, plainRefusal, r.coinProof)
	serve(r, get("/api/coin/history", "List the movements of a coin account", authenticated(auditor), rateReads).
		refuses(codeCursor, codeCursorLost, domain.CodeForbidden), r.coinHistory)
	serve(r, get("/api/payouts", "List payouts of the caller's earnings, or of all earnings", authenticated("a token, and the role auditor or operator for other users"), rateReads).
		refuses(codeCursor, codeCursorLost, domain.CodeForbidden), r.listPayouts)
	serve(r, get("/api/ledger/balance", "Read the trial balance: the balances of all accounts, now or earlier", role(domain.RoleAuditor), rateReads).refuses(codeCursorLost), r.readTrialBalance)
	serve(r, get("/api/ledger/statement", "Read the statement of a coin account, with its opening and closing balance", role(domain.RoleAuditor), rateReads).
		refuses(codeCursor, codeCursorLost), r.readStatement)
	serve(r, get("/api/ledger/reconciliation", "Read whether the log, the tables, the ledger and the transparency log agree now, and what is not final", authenticated("a token with the role auditor or operator"), rateReads).
		refuses(domain.CodeForbidden), r.readReconciliation)
	settlement := get("/api/ledger/settlement", "Settle the earnings of a streamer for a period: gifts, refunds, payouts, corrections and sums", authenticated("a token, and the role auditor or operator for other users"), rateReads).
		refuses(domain.CodeForbidden, domain.CodeCoinsClosed, codeCursorLost)
	settlement.Parameters = settlementParameters()
	serveRaw[ledger.Settlement](r, settlement, documentSettlement, plainRefusal, r.settlement)
	serveRaw[replay.EventLine](r, get(eventsRoute, "Replay the event log and follow it", role(domain.RoleAnalyst), rateReads).refuses(codeCursor, codeCursorLost),
		replay.Document, plainRefusal, r.replayEvents)
}

// maxCosigned is the maximum size of a checkpoint with cosignatures in bytes.
const maxCosigned = 64 << 10

func (r *routes) registerTransparency() {
	h := tlog.Handler{
		Pool: r.Store.Pool(), LogID: r.Store.ID(), Witnesses: r.Witnesses, NotFound: r.routeNotFound, Timeout: r.RequestTimeout, Log: r.log,
		Body: func(w http.ResponseWriter, req *http.Request) ([]byte, error) {
			return r.readBody(w, req, maxCosigned, r.BodyTimeout)
		},
		Succeeded: func(w http.ResponseWriter, data any) { writeJSON(w, http.StatusOK, success[any]{"ok", data}) },
		Failed: func(w http.ResponseWriter, req *http.Request, err error) {
			writeFailure(w, r.failure(req.Context(), err, nil))
		},
	}
	serveRaw[string](r, get(tlog.CheckpointPath, "Read the newest signed checkpoint of the transparency log", anyone(), rateReads).refuses(codeNoRoute),
		func(o *huma.Operation, _ huma.Registry) { tlog.DescribeCheckpoint(o) }, plainRefusal, h.Checkpoint)
	serveRaw[string](r, get(tlog.TilePath, "Read a tile of the transparency log", anyone(), rateReads).refuses(codeNoRoute),
		func(o *huma.Operation, _ huma.Registry) { tlog.DescribeTile(o) }, plainRefusal, h.Tile)
	serve(r, get(tlog.WitnessesPath, "List the witnesses of the transparency log with the newest checkpoints that they have cosigned", anyone(), rateReads), h.ListWitnesses)
	serveRaw[success[tlog.Cosigned]](r, post(tlog.CosignaturePath, "Add cosignatures of witnesses to a checkpoint of the transparency log", anyone(), rateReads).
		refuses(tlog.CodeSignature, tlog.CodeWitness, tlog.CodeTree, tlog.CodeUnknownSize, tlog.CodeFork),
		func(o *huma.Operation, _ huma.Registry) { tlog.DescribeCosignature(o) }, plainRefusal, h.AddCosignature)
}

func (r *routes) registerStreams() {
	serve(r, get("/api/streams", "List running streams: operators see all, other users their own", authenticated("a token"), rateReads), r.listStreams)
	serve(r, get("/api/streams/{id}/players", "List the players of a live's stream", ownerOr(domain.RoleOperator), rateReads), r.listPlayers)
	serve(r, post("/api/streams/kick", "End the stream of a live, or disconnect one player", role(domain.RoleOperator), rateCommands).
		executes(domain.KickBroadcast{}, domain.KickPlayer{}).refuses(domain.CodeNoBroadcast), r.kickStream)
}

func (r *routes) registerOperator() {
	operator := role(domain.RoleOperator)
	serve(r, get("/api/operator/users", "List users with roles, coins and bans, or find one by id or username", operator, rateReads), r.listUsers)
	serve(r, get("/api/operator/sockets", "List the client connections of all nodes", operator, rateReads), r.listConnections)
	serve(r, post("/api/operator/kick", "Close all connections of a user, or one connection", operator, rateCommands).
		executes(domain.KickUser{}, domain.KickConnection{}).refuses(codeNoConnection), r.kick)
	serve(r, get("/api/operator/reports", "List the reports in all lives", operator, rateReads).refuses(codeCursor, codeCursorLost), r.listAllReports)
	serve(r, get("/api/operator/words", "List the words that are not allowed in comments of any live", operator, rateReads), r.listServiceWords)
	serve(r, post("/api/operator/ban", "Ban a user from everything, for a time or for good", operator, rateCommands).executes(domain.BanUser{}), r.banUser)
	serve(r, post("/api/operator/correction", "Correct the balance of a wallet or of earnings; above a limit, a second operator must approve", operator, rateCommands).
		executes(domain.ProposeCorrection{}), r.proposeCorrection)
	serve(r, post("/api/operator/correction/approve", "Approve a correction that another operator has proposed", operator, rateCommands).
		executes(domain.ApproveCorrection{}), r.approveCorrection)
	serve(r, post("/api/operator/correction/reject", "Reject or withdraw a correction", operator, rateCommands).
		executes(domain.RejectCorrection{}), r.rejectCorrection)
	serve(r, get("/api/operator/corrections", "List corrections of balances, newest first", operator, rateReads), r.listCorrections)
	serve(r, post("/api/operator/share", "Set the platform's share of gifts that are sent from now on", operator, rateCommands).executes(domain.SetShare{}), r.setShare)
	serve(r, post("/api/operator/payout", "Hold earnings of a streamer until the streamer has been paid", operator, rateCommands).
		executes(domain.RequestPayout{}), r.requestPayout)
	serve(r, post("/api/operator/payout/capture", "Record that a payout was paid outside roomlog", operator, rateCommands).
		executes(domain.CapturePayout{}), r.capturePayout)
	serve(r, post("/api/operator/payout/void", "Give the coins of a payout that was not paid back to the earnings", operator, rateCommands).
		executes(domain.VoidPayout{}), r.voidPayout)
	serve(r, post("/api/operator/unban", "Lift the ban of a user", operator, rateCommands).executes(domain.UnbanUser{}), r.unbanUser)
}

func (r *routes) registerWebhooks() {
	operator := role(domain.RoleOperator)
	serve(r, get("/api/operator/webhooks", "List the webhooks, and how far their receivers are", operator, rateReads), r.listWebhooks)
	serve(r, post("/api/operator/webhook", "Add a webhook, which sends events to a URL", operator, rateCommands).executes(domain.AddWebhook{}).executesRepetitions().refuses(codeCursorLost), r.addWebhook)
	serve(r, post("/api/operator/webhook/change", "Change the URL and the events of a webhook, or replace its secret", operator, rateCommands).executes(domain.ChangeWebhook{}), r.changeWebhook)
	serve(r, post("/api/operator/webhook/remove", "Remove a webhook", operator, rateCommands).executes(domain.RemoveWebhook{}), act(r.server, removeWebhook))
	serve(r, post("/api/operator/webhook/replay", "Let a webhook continue at a place of the log", operator, rateCommands).executes(domain.ReplayWebhook{}).executesRepetitions().refuses(codeCursorLost), r.replayWebhook)
	serve(r, get("/api/operator/webhook/{id}/secrets", "Read the secrets that sign the requests of a webhook", operator, rateReads).refuses(domain.CodeWebhookNotFound), r.readWebhookSecrets)
	serve(r, get("/api/operator/webhook/{id}/dead", "List the dead letters of a webhook, which its receiver has not accepted in time", operator, rateReads).refuses(domain.CodeWebhookNotFound), r.listDeadLetters)
	serve(r, post("/api/operator/webhook/retry", "Send dead letters of a webhook again", operator, rateCommands).refuses(domain.CodeWebhookNotFound), r.retryWebhook)
}

// registerChat registers the endpoints for the chat pages. Their responses have a different envelope.
func (r *routes) registerChat() {
	serveChat(r, post("/login", "Sign in to the chat with an e-mail address, without a password", anyone(), rateSignIns).
		executes(domain.RegisterByEmail{}, domain.SignIn{}).refuses(domain.CodeForbidden).withTexts(texts{domain.CodeForbidden: textNoGuests}), r.emailLogin)
	serveChat(r, post("/validate", "Read the user that a chat token names", anyone(), rateReads).
		refuses(domain.CodeTokenInvalid).withTexts(texts{domain.CodeTokenInvalid: textNotAUser}), r.validate)
	for _, path := range []string{"/createRoom", "/addRoom"} {
		serveChat(r, post(path, "Create a chat room", anyone(), rateChatRooms).executes(domain.CreateChatRoom{}), r.createChatRoom)
	}
	for _, newMethod := range []func(string, string, access, rateClass) endpoint{get, post} {
		serveChat(r, newMethod("/getAllRooms", "List chat rooms with their users, oldest first", anyone(), rateReads), r.listChatRooms)
	}
}

// registerService registers the routes without a rate limit, for monitoring and for browsers.
func (r *routes) registerService() {
	const static = "static: the response is in memory"
	r.serveUnlimited("/healthz", "liveness probes: no work", r.healthz)
	r.serveUnlimited("/readyz", "readiness probes: bounded by a timeout", r.readyz)
	r.serveByAddress("/metrics", "restricted by address, at most 4 at a time", r.MetricsFrom, r.metrics())
	documentService(r)
	r.serveUnlimited("/openapi.json", static, docpage.Document(func() []byte {
		document, err := r.openAPI()
		if err != nil {
			panic("api: " + err.Error()) // cannot happen in a program whose tests have passed: they compare responses with the document
		}
		return document
	}))
	if r.AsyncAPI != nil {
		r.serveUnlimited("/asyncapi.json", "static: the response of the newest host is in memory", docpage.AsyncDocument(r.AsyncAPI, func(req *http.Request) string { return requestOf(req.Context()).baseURL }))
	}
	r.serveUnlimited(schemas.Path, static, schemas.List)
	r.serveUnlimited(schemas.Path+"{file}", static, schemas.File(r.routeNotFound))
	r.documentSchemas()
	r.registerPage(static)
	r.serveUnlimited("/docs", static, docpage.Page)
	r.serveUnlimited("/docs/{file}", static, docpage.File(r.routeNotFound))
}

// registerPage registers the page for people, or a redirect to the documentation.
func (r *routes) registerPage(static string) {
	if r.NoPage {
		r.serveUnlimited("/", static, docpage.Redirect)
		return
	}
	page := web.New(web.Options{MediaURL: r.MediaURL, RTMPPort: r.RTMPPort, TestPayments: r.TestPayments})
	for _, path := range append([]string{"/"}, web.Paths...) {
		r.serveUnlimited(path, static, func(w http.ResponseWriter, _ *http.Request) { page.Write(w, web.Preview{}) })
	}
	r.serveUnlimited(web.LiveRoute, "above the rate of reads, the page has no preview", func(w http.ResponseWriter, req *http.Request) {
		page.Write(w, r.previewOf(req))
	})
	r.serveUnlimited(web.FilesRoute, static, web.File(r.routeNotFound))
}
