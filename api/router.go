package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"roomlog/api/replay"
	"roomlog/domain"
)

const eventsRoute = "/api/events"

// register registers every route of the server.
func (s *server) register() {
	s.router.Use(s.withRequestContext, s.observe, s.recoverPanic, AllowOrigins(s.CORSOrigins))
	s.router.NotFound(s.routeNotFound)
	s.router.MethodNotAllowed(s.methodNotAllowed)
	s.registerAccounts()
	s.registerLives()
	s.registerGifts()
	s.registerHistory()
	s.registerStreams()
	s.registerOperator()
	s.registerChat()
	s.registerService()
}

func (s *server) registerAccounts() {
	serve(s, post("/api/reg", "Register an account", anyone(), rateRegistrations), s.registerUser)
	login := post("/api/login", "Sign in; an earlier session of the user ends", anyone(), rateSignIns)
	login.Middlewares = huma.Middlewares{s.browserLogin}
	serve(s, login, s.login)
	documentBrowserLogin(s.huma.OpenAPI().Paths[login.Path].Post, s.huma.OpenAPI().Components.Schemas)
	serve(s, post("/api/logout", "End the session", commander("a token"), rateWrites), s.logout)
	serve(s, get("/api/user/info", "Read the signed-in user", authenticated("a token"), rateReads), s.userInfo)
	serveRaw[browserEnvelope](s, get("/api/insert", "Increment the age of the signed-in user", commander("a token"), rateWrites),
		nil, refuseIncrementAge, s.incrementAge)
}

func (s *server) registerLives() {
	const owner, moderator = "a token of the live's owner", "a token of the live's owner or the role operator"
	serve(s, post("/api/live/create", "Create a live", commander("a token"), rateWrites), s.createLive)
	serve(s, post("/api/live/changestatus", "Put a live on air, pause it or end it", commander(moderator), rateWrites).withTexts(texts{
		domain.CodeLiveNotFound: "该直播间不存在",
		domain.CodeLiveEnded:    "该直播间已结束",
	}), s.changeStatus)
	serve(s, get("/api/live/list/{page}", "List lives, newest first", anyone(), rateReads), s.listLives)
	serve(s, get("/api/live/read/{id}", "Read a live and a sign for its stream", anyone(), rateReads).withTexts(texts{
		domain.CodeLiveNotFound: "当前直播间不存在",
	}), s.readLive)
	serve(s, post("/api/live/record", "Switch recording of a live on or off, from its next broadcast on", commander(owner), rateWrites), s.setRecording)
	serve(s, get("/api/live/{id}/recordings", "List the recordings of a live, newest first", anyone(), rateReads), s.listRecordings)
	serve(s, post("/api/live/recording/delete", "Delete a recording", commander(moderator), rateWrites), s.deleteRecording)
	serve(s, post("/api/live/ban", "Ban a user from a live, for a time or for good", commander(moderator), rateWrites), s.banViewer)
	serve(s, post("/api/live/unban", "Lift the ban of a user from a live", commander(moderator), rateWrites), s.unbanViewer)
}

func (s *server) registerGifts() {
	serve(s, get("/api/gift/list", "List the gift catalogue", anyone(), rateReads), s.listGifts)
	serve(s, post("/api/gift/wxpay", "Place an order for coins", commander("a token"), rateWrites), s.placeOrder)
	serveRaw[success[string]](s, post("/api/gift/notify", "Report a paid order; called by the payment provider", anyone(), ratePayments),
		documentPayment, plainRefusal, s.payOrder)
	serveRaw[success[string]](s, post("/api/upload", "Upload an image or a sound", authenticated("a token"), rateUploads),
		documentUpload, plainRefusal, s.upload)
}

func (s *server) registerHistory() {
	const auditor = "a token, and the role auditor for other users"
	serve(s, get("/api/live/{id}/viewers", "List the viewers of a live, present and past", ownerOr(domain.RoleAuditor), rateReads), s.listViewers)
	serve(s, get("/api/live/{id}/comments", "List the comments of a live", ownerOr(domain.RoleAuditor), rateReads), s.listComments)
	serve(s, get("/api/gift/history", "List the gifts sent to the caller's lives, or to all lives", authenticated(auditor), rateReads), s.giftHistory)
	serve(s, get("/api/coin/history", "List the movements of a coin account", authenticated(auditor), rateReads), s.coinHistory)
	serveRaw[replay.EventLine](s, get(eventsRoute, "Replay the event log and follow it", role(domain.RoleAnalyst), rateReads),
		documentEvents, plainRefusal, s.replayEvents)
}

func (s *server) registerStreams() {
	serve(s, get("/api/streams", "List running streams: operators see all, other users their own", authenticated("a token"), rateReads), s.listStreams)
	serve(s, get("/api/streams/{id}/players", "List the players of a live's stream", ownerOr(domain.RoleOperator), rateReads), s.listPlayers)
	serve(s, post("/api/streams/kick", "End the stream of a live, or disconnect one player", role(domain.RoleOperator), rateWrites), s.kickStream)
}

func (s *server) registerOperator() {
	operator := role(domain.RoleOperator)
	serve(s, get("/api/operator/sockets", "List the client connections of all nodes", operator, rateReads), s.listConnections)
	serve(s, post("/api/operator/kick", "Close all connections of a user, or one connection", operator, rateWrites), s.kick)
	serve(s, post("/api/operator/ban", "Ban a user from everything, for a time or for good", operator, rateWrites), s.banUser)
	serve(s, post("/api/operator/unban", "Lift the ban of a user", operator, rateWrites), s.unbanUser)
}

// registerService registers the routes without a rate limit, for monitoring and for browsers.
func (s *server) registerService() {
	const static = "static: the response is in memory"
	s.serveUnlimited("/healthz", "liveness probes: no work", s.healthz)
	s.serveUnlimited("/readyz", "readiness probes: bounded by a timeout", s.readyz)
	s.serveUnlimited("/metrics", "restricted by address, at most 4 at a time", s.metrics())
	s.serveUnlimited("/openapi.json", static, s.openapi)
	s.serveUnlimited("/docs", static, s.docs)
	s.serveUnlimited("/docs/{file}", static, s.docs)
	s.serveUnlimited("/uploads/{name}", "immutable files, cached by clients and proxies", s.serveUpload)
	s.router.Head("/uploads/{name}", s.serveUpload)
}

func (s *server) routeNotFound(w http.ResponseWriter, _ *http.Request) {
	writeFailure(w, newFailure(codeNoRoute, "there is no such endpoint", nil))
}

func (s *server) methodNotAllowed(w http.ResponseWriter, _ *http.Request) {
	writeFailure(w, newFailure(codeMethod, "this endpoint does not support the method", nil))
}
