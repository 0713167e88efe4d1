package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"roomlog/domain"
)

const eventsRoute = "/api/events"

// surface is everything that this door answers.
func (s *server) surface() {
	r := s.router
	r.Use(s.introduce, s.observe, s.recovered, AllowOrigins(s.Origins))
	r.NotFound(s.noRoute)
	r.MethodNotAllowed(s.noMethod)
	s.huma = newHuma(r, s.Version)

	public(s, post("/api/reg", "Open an account"), s.register)
	login := post("/api/login", "Sign in; an earlier session ends")
	login.Middlewares = huma.Middlewares{s.codedLogin}
	public(s, login, s.login)
	documentCoded(s.huma.OpenAPI().Paths[login.Path].Post, s.huma.OpenAPI().Components.Schemas)
	personal(s, post("/api/logout", "End the session"), s.logout)
	personal(s, get("/api/user/info", "Who am I"), s.info)
	r.Get("/api/insert", s.growOlder)
	documented[coded](s, get("/api/insert", "Be a year older").needs("a token"), nil)

	personal(s, post("/api/live/create", "Make a room"), s.createLive)
	personal(s, post("/api/live/changestatus", "Put one's room on air, pause or end it; operators end any").saying(says{
		domain.CodeLiveNotFound: "该直播间不存在",
		domain.CodeLiveEnded:    "该直播间已结束",
	}), s.changeStatus)
	public(s, get("/api/live/list/{page}", "Rooms, newest first"), s.listLives)
	public(s, get("/api/live/read/{id}", "A room and a sign for its stream").saying(says{
		domain.CodeLiveNotFound: "当前直播间不存在",
	}), s.readLive)

	personal(s, post("/api/live/record", "Have one's room recorded, or not, from its next stream on"), s.setRecording)
	public(s, get("/api/live/{id}/recordings", "What was recorded of a room, newest first, with addresses to play"), s.listRecordings)
	personal(s, post("/api/live/recording/delete", "Delete a recording of one's room, or as an operator of any"), s.deleteRecording)
	const moderator = "the live's owner or the role operator"
	personal(s, post("/api/live/deny", "Keep somebody out of a room, for a time or for good").needs(moderator), s.denyViewer)
	personal(s, post("/api/live/allow", "Let somebody into a room again").needs(moderator), s.allowViewer)

	public(s, get("/api/gift/list", "The shelf of gifts"), s.listGifts)
	personal(s, post("/api/gift/wxpay", "Order coins"), s.placeOrder)
	r.Post("/api/gift/notify", s.paid)
	documented[success[string]](s, post("/api/gift/notify", "The payment provider says that an order is paid"), documentPaid)
	r.Post("/api/upload", s.upload)
	documented[success[string]](s, post("/api/upload", "Keep a picture or a sound").needs("a token"), documentUpload)
	r.Get("/uploads/{name}", s.uploaded)
	r.Head("/uploads/{name}", s.uploaded)

	const owner, auditor, analyst = "the live's owner or the role auditor", "the role auditor for others", "the role analyst"
	personal(s, get("/api/live/{id}/viewers", "Who is or was in a room").needs(owner), s.liveViewers)
	personal(s, get("/api/live/{id}/comments", "What was said in a room").needs(owner), s.liveComments)
	personal(s, get("/api/gift/history", "Gifts given in one's rooms, or in all").needs(auditor), s.giftHistory)
	personal(s, get("/api/coin/history", "Movements of a wallet").needs(auditor), s.coinHistory)
	personal(s, get("/api/streams", "Streams that go on: operators see all, others their own"), s.listStreams)
	personal(s, get("/api/streams/{id}/players", "Who watches a room").needs("the live's owner or the role operator"), s.streamPlayers)
	personal(s, post("/api/streams/kick", "End a room's stream, or a player's connection").needs("the role operator"), s.kickStream)
	r.Get(eventsRoute, s.events)
	documented[eventLine](s, get(eventsRoute, "Replay the log, and follow it").needs(analyst), documentEvents)

	const operator = "the role operator"
	personal(s, get("/api/operator/sockets", "The connections of all processes").needs(operator), s.listSockets)
	personal(s, post("/api/operator/kick", "Put a person out, or one connection; it stays away by itself").needs(operator), s.kick)
	personal(s, post("/api/operator/deny", "Keep a person out of everything, for a time or for good").needs(operator), s.denyUser)
	personal(s, post("/api/operator/allow", "Let a person in again who is kept out").needs(operator), s.allowUser)
	s.chat()

	r.Get("/healthz", s.healthz)
	r.Get("/readyz", s.readyz)
	r.Method(http.MethodGet, "/metrics", s.metrics())
	r.Get("/openapi.json", s.openapi)
	r.Get("/docs", s.docs)
	r.Get("/docs/{file}", s.docs)
}

func (s *server) noRoute(w http.ResponseWriter, _ *http.Request) {
	writeFailure(w, fail(codeNoRoute, "there is no such endpoint", nil))
}

func (s *server) noMethod(w http.ResponseWriter, _ *http.Request) {
	writeFailure(w, fail(codeMethod, "this endpoint is called with another method", nil))
}
