package api

import (
	"context"
	"crypto/rand"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"roomlog/api/web"
	"roomlog/domain"
	"roomlog/projections"
)

// Live is the public part of a live, in a response. It contains the id of the owner twice, because clients expect two
// names.
type Live struct {
	ID          domain.LiveID `json:"id"`
	Title       string        `json:"title" example:"An evening with Ann"`
	Cover       string        `json:"cover" example:"https://live.example/uploads/5f0c2a77e1d24f5f.jpg"`
	Status      domain.Status `json:"status" enum:"0,1,2,3" doc:"0 not started, 1 on air, 2 paused, 3 ended"`
	LookCount   int64         `json:"look_count"`
	Coin        int64         `json:"coin"`
	UserID      domain.UserID `json:"user_id"`
	Owner       domain.UserID `json:"userId"`
	CreatedTime string        `json:"created_time" example:"2020-10-13 17:16:35" doc:"wall time in the time zone of the server"`
	UpdatedTime string        `json:"updated_time" example:"2020-10-13T09:16:35.661Z" doc:"UTC"`
	Media       *LiveMedia    `json:"media" doc:"codecs and size of the running stream; null when there is none"`
}

// KeyedLive is a live with its stream key. The key alone permits neither publishing nor playing: a client also needs a
// sign, which expires.
type KeyedLive struct {
	Live
	Key string `json:"key" example:"L3V8KhRHin40gNug58zy"`
}

// ownedLive is a live with its owner, in a response.
type ownedLive struct {
	KeyedLive
	User       liveOwner    `json:"user"`
	Recorded   bool         `json:"recorded" doc:"whether the next broadcast of the live is recorded"`
	Moderators []PublicUser `json:"moderators" doc:"in the order of their appointments"`
	Modes      []liveMode   `json:"modes" doc:"what restricts comments; a mode whose until has passed is off"`
}

// liveMode is a mode of a live, in a response.
type liveMode struct {
	Mode  domain.ModeName `json:"mode" enum:"mute_all,slow,members,links_off,followers,stickers,review" doc:"mute_all: only the owner and moderators may comment; slow: one comment of a user in so many seconds; members: only users who registered so many minutes ago may comment; links_off: no links in comments; followers: only followers of the streamer may comment; stickers: only emoji and names of stickers; review: comments of a user are held until one was released"`
	Value int64           `json:"value" doc:"seconds of slow, minutes of members; followers: 1, or the minutes for which a user must have followed; otherwise 1"`
	Until *time.Time      `json:"until,omitempty" doc:"end of the mode, by the time of the log; absent: it has none"`
}

func newLiveModes(modes []domain.Mode) []liveMode {
	all := make([]liveMode, len(modes))
	for i, m := range modes {
		all[i] = liveMode{m.Mode, m.Value, endOf(m.Until)}
	}
	return all
}

type liveOwner struct {
	ID       domain.UserID `json:"id"`
	Username string        `json:"username" example:"ann"`
	Avatar   string        `json:"avatar" example:"https://live.example/uploads/0c9f3a7be1d24f5f.png"`
}

// signed is a live with a sign for its stream. Clients expect the live in a nested field with the name data.
type signed[L any] struct {
	Data L       `json:"data"`
	Sign *string `json:"sign" example:"1602691779-4c4cde8b52e829a17a6baf5b6c404ada" doc:"EXPIRES-MD5, or EXPIRES-MD5-USER for a viewer with a token; null when the live has ended"`
}

func (s *server) newLive(l projections.Live) Live {
	live := Live{
		ID: l.ID, Title: l.Title, Cover: l.Cover, Status: l.Status, LookCount: l.LookCount, Coin: l.Coin,
		UserID: l.UserID, Owner: l.UserID, CreatedTime: s.wallTime(l.CreatedAt), UpdatedTime: l.UpdatedAt.UTC().Format(utcTime),
	}
	if l.Broadcast.ID != "" {
		live.Media = &LiveMedia{l.Broadcast.Media, l.Broadcast.StartedAt}
	}
	return live
}

func (s *server) wallTime(t time.Time) string { return t.In(s.timeZone).Format(wallTime) }

type liveInputBody struct {
	Body struct {
		Access   domain.AccessKind `json:"access,omitempty" enum:"open,unlisted,password,followers,invited,paid" doc:"who may be in the live; absent: everybody"`
		Password string            `json:"password,omitempty" example:"correct horse" doc:"for the access password only: 6 to 128 characters"`
		Price    number            `json:"price,omitempty" example:"30" doc:"for the access paid only: price of a ticket, 1 to 1,000,000 coins"`
		MinAge   number            `json:"min_age,omitempty" example:"18" doc:"age in years that viewers need: 1 to 100; absent: none"`
		Title    string            `json:"title" example:"An evening with Ann" doc:"1 to 100 characters"`
		Cover    string            `json:"cover" example:"https://live.example/uploads/5f0c2a77e1d24f5f.jpg" doc:"http or https address of an image, or path of an upload; may be empty"`
	}
}

func (s *server) createLive(ctx context.Context, in *liveInputBody) (signed[KeyedLive], error) {
	if in.Body.Access == domain.AccessPassword { // hashing a password costs as much as a sign-in, so both have one rate
		if err := s.rates.admit(ctx, rateSignIns); err != nil {
			return signed[KeyedLive]{}, err
		}
	}
	credential, err := s.liveCredential(ctx, in.Body.Access, in.Body.Password)
	if err != nil {
		return signed[KeyedLive]{}, err
	}
	receipt, err := s.execute(ctx, domain.CreateLive{
		Title: in.Body.Title, Cover: in.Body.Cover, StreamKey: newStreamKey(), Access: in.Body.Access, Credential: textOf(credential),
		Price: domain.Coins(in.Body.Price), MinAge: int(in.Body.MinAge),
	})
	if err != nil {
		if credential != uuid.Nil {
			s.deleteUnusedCredential(ctx, credential, err)
		}
		return signed[KeyedLive]{}, err
	}
	e, record, err := eventOf[domain.LiveCreated](receipt)
	if err == nil && receipt.Repeated && credential != uuid.Nil {
		s.deleteCredential(ctx, credential) // the first request has stored the hash that the live uses
		err = s.checkRepeatedPassword(ctx, receipt, in.Body.Password)
	}
	if err != nil {
		return signed[KeyedLive]{}, err
	}
	live := s.newLive(projections.Live{
		ID: e.Live, UserID: e.Streamer, Title: e.Title, Cover: e.Cover, CreatedAt: record.RecordedAt, UpdatedAt: record.RecordedAt,
	})
	sign := s.Signs.Publish(e.StreamKey)
	return signed[KeyedLive]{Data: KeyedLive{live, e.StreamKey}, Sign: &sign}, nil
}

const (
	keyLetters   = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	keyLength    = 20
	fairLetters  = 256 - 256%len(keyLetters) // random bytes from this value on are skipped, so that all characters have the same probability
	randomAtOnce = 2 * keyLength
)

// newStreamKey returns a random stream key with 119 bits of entropy.
func newStreamKey() string {
	var key, random []byte
	for len(key) < keyLength {
		if len(random) == 0 {
			random = make([]byte, randomAtOnce)
			rand.Read(random) // rand.Read never fails
		}
		if b := int(random[0]); b < fairLetters {
			key = append(key, keyLetters[b%len(keyLetters)])
		}
		random = random[1:]
	}
	return string(key)
}

type statusChange struct {
	Body struct {
		ID     number            `json:"id"`
		Type   domain.LiveChange `json:"type" enum:"play,pause,stop"`
		Reason string            `json:"reason,omitempty" doc:"for the record: at most 100 characters"`
	}
}

func (s *server) changeStatus(ctx context.Context, in *statusChange) (string, error) {
	_, err := s.execute(ctx, domain.ChangeLiveStatus{Live: domain.LiveID(in.Body.ID), To: in.Body.Type, Reason: in.Body.Reason})
	return "ok", err
}

type pageInput struct {
	Page int64 `path:"page" minimum:"1"`
}

// maxPage is larger than the last page of every list. Later pages are empty without a query.
const maxPage = 1_000_000

func (s *server) listLives(ctx context.Context, in *pageInput) ([]Live, error) {
	lives := []Live{}
	if in.Page > maxPage {
		return lives, nil
	}
	found, err := s.Queries.Lives(ctx, int(in.Page), s.PageSize)
	for _, l := range found {
		lives = append(lives, s.newLive(l))
	}
	return lives, err
}

// foundLive is a live in a list for viewers, in a response.
type foundLive struct {
	Live
	Streamer PublicUser        `json:"streamer"`
	Online   int64             `json:"online" doc:"viewers who are in the live"`
	Access   domain.AccessKind `json:"access" enum:"open,unlisted,password,followers,invited,paid" doc:"who may be in the live"`
	Price    domain.Coins      `json:"price,omitempty" example:"30" doc:"price of a ticket, for the access paid"`
	MinAge   int               `json:"min_age,omitempty" example:"18" doc:"age in years that viewers need; absent: none"`
	Snapshot string            `json:"snapshot" example:"/live/L3V8KhRHin40gNug58zy/snapshot.jpg?sign=1602691779-4c4cde8b52e829a17a6baf5b6c404ada" doc:"address of a picture of the running stream at the server for streams; empty without a stream, or if the live is not for everybody"`
}

// foundLives is a page of a list of lives.
type foundLives struct {
	Items []foundLive   `json:"items"`
	Next  domain.LiveID `json:"next" doc:"send it as before to get the next page; a page of past lives can be empty although another page follows; 0: there is none"`
}

type findInput struct {
	Of     string        `query:"of" enum:"on_air,past,own,followed" default:"on_air" doc:"on_air: on air or paused, with a running stream, at most 500; past: ended, with a recording; own: the caller's; followed: on air or paused, of streamers whom the caller follows, at most 500"`
	Text   string        `query:"text" maxLength:"100" doc:"only lives on air with this text in the title or in the name of the owner"`
	Before domain.LiveID `query:"before" minimum:"1" maximum:"9007199254740991" doc:"value of next in the former page; not for lives on air"`
}

const (
	foundPage        = 24
	maxFollowedLives = 500
	pastWindows      = 10 // maximum number of windows of ids that a request for past lives looks at
)

func (s *server) findLives(ctx context.Context, in *findInput) (foundLives, error) {
	user, err := s.optionalUser(ctx)
	if err != nil {
		return foundLives{}, err
	}
	if in.Of != "on_air" && in.Text != "" || (in.Of == "on_air" || in.Of == "followed") && in.Before != 0 {
		return foundLives{}, badRequest("text is for lives on air, before for the lists past and own")
	}
	var found []projections.Live
	page := foundLives{Items: []foundLive{}}
	switch in.Of {
	case "own":
		if user == 0 {
			return foundLives{}, refusal(domain.CodeTokenMissing, "the list of your own lives needs a token")
		}
		before := in.Before
		if before == 0 {
			before = math.MaxInt64
		}
		if found, err = s.Queries.LivesBy(ctx, user, before, foundPage); len(found) == foundPage {
			page.Next = found[foundPage-1].ID
		}
	case "followed":
		if user == 0 {
			return foundLives{}, refusal(domain.CodeTokenMissing, "the lives of those whom you follow need a token")
		}
		found, err = s.Queries.LivesFollowed(ctx, user, maxFollowedLives)
	case "past":
		found, page.Next, err = s.pastLives(ctx, in.Before)
	default:
		if found, err = s.onAir.Get(ctx); in.Text != "" {
			found = matching(found, in.Text)
		}
	}
	for _, l := range found {
		page.Items = append(page.Items, s.newFoundLive(ctx, l, user))
	}
	return page, err
}

// pastLives returns a page of past lives with ids below before, 0 for the newest, and the next value of before. If few lives
// have a recording, the page may be empty although another follows.
func (s *server) pastLives(ctx context.Context, before domain.LiveID) (found []projections.Live, next domain.LiveID, err error) {
	newest, err := s.Queries.NewestLive(ctx)
	if before == 0 || before > newest {
		before = newest + 1
	}
	for window := 0; window < pastWindows && len(found) == 0 && before > 1 && err == nil; window++ {
		found, err = s.Queries.LivesPast(ctx, before, foundPage)
		if len(found) == foundPage {
			return found, found[foundPage-1].ID, nil
		}
		before -= projections.PastWindow
	}
	if before <= 1 {
		before = 0
	}
	return found, before, err
}

func (s *server) newFoundLive(ctx context.Context, l projections.Live, user domain.UserID) foundLive {
	item := foundLive{Live: s.newLive(l), Streamer: newPublicUser(l.Owner), Online: l.Online, Access: l.Access, Price: l.Price, MinAge: l.MinAge}
	if l.Broadcast.ID != "" && !l.Restricted() {
		item.Snapshot = s.MediaURL + "/live/" + l.StreamKey + "/snapshot.jpg?sign=" + s.playSign(ctx, l.StreamKey, user)
	}
	return item
}

// matching returns the lives with a text in the title or in the name of the owner. Upper and lower case are alike.
func matching(lives []projections.Live, text string) []projections.Live {
	wanted := strings.ToLower(text)
	return slices.DeleteFunc(slices.Clone(lives), func(l projections.Live) bool {
		return !strings.Contains(strings.ToLower(l.Title+"\n"+l.Owner.Name()), wanted)
	})
}

// previewOf returns what a link to a live on the page shows in other apps. It is empty if the live cannot be read.
func (s *server) previewOf(req *http.Request) web.Preview {
	ctx, cancel := context.WithTimeout(req.Context(), s.RequestTimeout)
	defer cancel()
	id, err := strconv.ParseInt(chi.URLParam(req, "live"), 10, 64)
	if err != nil || id < 1 || s.rates.admit(ctx, rateReads) != nil {
		return web.Preview{}
	}
	live, err := s.live(ctx, domain.LiveID(id))
	if err != nil || live.Restricted() { // apps that show links have no right to be in the live
		return web.Preview{}
	}
	base := requestOf(ctx).baseURL
	image := live.Cover
	if strings.HasPrefix(image, "/") {
		image = base + image
	}
	return web.Preview{Title: live.Title, Description: live.Owner.Name(), Image: image, URL: base + "/watch/" + strconv.FormatInt(id, 10)}
}

func (s *server) readLive(ctx context.Context, in *LivePath) (signed[ownedLive], error) {
	live, err := s.live(ctx, in.ID)
	if err == nil {
		err = s.checkRestricted(ctx, live)
	}
	if err != nil {
		return signed[ownedLive]{}, err
	}
	found, err := s.Queries.Moderators(ctx, in.ID)
	if err != nil {
		return signed[ownedLive]{}, err
	}
	moderators := make([]PublicUser, len(found))
	for i, m := range found {
		moderators[i] = newPublicUser(m)
	}
	modes, err := s.Queries.LiveModes(ctx, in.ID)
	if err != nil {
		return signed[ownedLive]{}, err
	}
	owner := live.Owner
	sign, err := s.signFor(ctx, live)
	return signed[ownedLive]{
		Data: ownedLive{KeyedLive{s.newLive(live), live.StreamKey}, liveOwner{owner.ID, owner.Username, owner.Avatar}, s.Records(live), moderators, newLiveModes(modes)},
		Sign: sign,
	}, err
}

// signFor returns the sign for the caller, or nil after the live has ended. The owner receives a publish sign. Other
// clients with a token receive a play sign that names the user. Clients without a token, or with an invalid token or
// sign-in session, receive an anonymous play sign.
func (s *server) signFor(ctx context.Context, live projections.Live) (*string, error) {
	if live.Status == domain.StatusEnded {
		return nil, nil
	}
	user, err := s.optionalUser(ctx)
	sign := s.playSign(ctx, live.StreamKey, user)
	if user == live.UserID {
		sign = s.Signs.Publish(live.StreamKey)
	}
	return &sign, err
}

// playSign returns a play sign that names the user of a request; 0 means an anonymous sign.
func (s *server) playSign(ctx context.Context, streamKey string, user domain.UserID) string {
	if user == 0 {
		return s.Signs.Play(streamKey)
	}
	return s.Signs.PlayAs(streamKey, int64(user), requestOf(ctx).user.CreatedAt)
}
