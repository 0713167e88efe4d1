package api

import (
	"context"
	"crypto/rand"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// Room is a live as everybody may see it. Clients know its owner by two names.
type Room struct {
	ID          domain.LiveID `json:"id"`
	Title       string        `json:"title"`
	Cover       string        `json:"cover"`
	Status      domain.Status `json:"status" enum:"0,1,2,3" doc:"0 not started, 1 live, 2 paused, 3 ended"`
	LookCount   int64         `json:"look_count"`
	Coin        int64         `json:"coin"`
	UserID      domain.UserID `json:"user_id"`
	Owner       domain.UserID `json:"userId"`
	CreatedTime string        `json:"created_time" example:"2020-10-13 17:16:35" doc:"wall time of the server's zone"`
	UpdatedTime string        `json:"updated_time" example:"2020-10-13T09:16:35.661Z" doc:"UTC"`
	Picture     *LivePicture  `json:"picture" doc:"what its stream holds; null when it has none now"`
}

// LivePicture is what a room's stream holds.
type LivePicture struct {
	domain.MediaInfo
	Since time.Time `json:"since"`
}

// KeyedRoom is a room with its stream key, which opens nothing without a sign.
type KeyedRoom struct {
	Room
	Key string `json:"key"`
}

// shownRoom is a room with its owner.
type shownRoom struct {
	KeyedRoom
	User shownUser `json:"user"`
}

type shownUser struct {
	ID       domain.UserID `json:"id"`
	Username string        `json:"username"`
	Avatar   string        `json:"avatar"`
}

// signed is a room and a sign for its stream. Clients find the room in a second data.
type signed[R any] struct {
	Data R       `json:"data"`
	Sign *string `json:"sign" doc:"EXPIRES-MD5; null when the live has ended"`
}

func (s *server) roomOf(l projections.Live) Room {
	room := Room{
		ID: l.ID, Title: l.Title, Cover: l.Cover, Status: l.Status, LookCount: l.LookCount, Coin: l.Coin,
		UserID: l.UserID, Owner: l.UserID, CreatedTime: s.wall(l.CreatedAt), UpdatedTime: l.UpdatedAt.UTC().Format(utcTime),
	}
	if l.Broadcast.ID != "" {
		room.Picture = &LivePicture{l.Broadcast.Media, l.Broadcast.StartedAt}
	}
	return room
}

func (s *server) wall(t time.Time) string { return t.In(s.Zone).Format(wallTime) }

type newLive struct {
	Body struct {
		Title string `json:"title" doc:"1 to 100 characters"`
		Cover string `json:"cover" doc:"address of a picture, may be empty"`
	}
}

func (s *server) createLive(ctx context.Context, c caller, in *newLive) (signed[KeyedRoom], error) {
	receipt, err := s.execute(ctx, c, domain.CreateLive{Title: in.Body.Title, Cover: in.Body.Cover, StreamKey: streamKey()})
	if err != nil {
		return signed[KeyedRoom]{}, err
	}
	live, at, err := fact[domain.LiveCreated](receipt)
	if err != nil {
		return signed[KeyedRoom]{}, err
	}
	sign := s.Signs.Publish(live.StreamKey)
	return signed[KeyedRoom]{Data: KeyedRoom{s.created(live, at), live.StreamKey}, Sign: &sign}, nil
}

func (s *server) created(e domain.LiveCreated, r eventstore.Record) Room {
	return s.roomOf(projections.Live{
		ID: e.Live, UserID: e.Streamer, Title: e.Title, Cover: e.Cover, CreatedAt: r.RecordedAt, UpdatedAt: r.RecordedAt,
	})
}

const (
	keyLetters   = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	keyLength    = 20
	fairLetters  = 256 - 256%len(keyLetters) // random bytes from here on would favour some letters
	randomAtOnce = 2 * keyLength
)

// streamKey draws a key that nobody can guess.
func streamKey() string {
	var key, random []byte
	for len(key) < keyLength {
		if len(random) == 0 {
			random = make([]byte, randomAtOnce)
			rand.Read(random) // never fails
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
		ID   number            `json:"id"`
		Type domain.LiveChange `json:"type" enum:"play,pause,stop"`
	}
}

func (s *server) changeStatus(ctx context.Context, c caller, in *statusChange) (string, error) {
	_, err := s.execute(ctx, c, domain.ChangeLiveStatus{Live: domain.LiveID(in.Body.ID), To: in.Body.Type})
	return "ok", err
}

type listPage struct {
	Page int64 `path:"page" minimum:"1"`
}

// farthestPage is past the end of every list: the tables are not asked for it.
const farthestPage = 1_000_000

func (s *server) listLives(ctx context.Context, in *listPage) ([]Room, error) {
	rooms := []Room{}
	if in.Page > farthestPage {
		return rooms, nil
	}
	lives, err := s.Queries.Lives(ctx, int(in.Page), s.PageSize)
	for _, l := range lives {
		rooms = append(rooms, s.roomOf(l))
	}
	return rooms, err
}

type liveID struct {
	ID domain.LiveID `path:"id"`
}

func (s *server) readLive(ctx context.Context, in *liveID) (signed[shownRoom], error) {
	live, err := s.live(ctx, in.ID)
	if err != nil {
		return signed[shownRoom]{}, err
	}
	owner := live.Owner
	shown := shownRoom{KeyedRoom{s.roomOf(live), live.StreamKey}, shownUser{owner.ID, owner.Username, owner.Avatar}}
	sign, err := s.signFor(ctx, live)
	return signed[shownRoom]{Data: shown, Sign: sign}, err
}

// live answers a room, or refuses with live_not_found.
func (s *server) live(ctx context.Context, id domain.LiveID) (projections.Live, error) {
	live, err := s.Queries.Live(ctx, id)
	if isNotFound(err) {
		err = refusal(domain.CodeLiveNotFound, "there is no live %d", id)
	}
	return live, err
}

// signFor answers what the asker may have: the owner a sign to publish with, everybody else
// one to play with, nobody any when the live has ended. A token that does not hold is ignored.
func (s *server) signFor(ctx context.Context, live projections.Live) (*string, error) {
	if live.Status == domain.StatusEnded {
		return nil, nil
	}
	sign := s.Signs.Play(live.StreamKey)
	if askerOf(ctx).caller.user != live.UserID { // nobody's, without a good token
		return &sign, nil
	}
	_, err := s.member(ctx)
	if err == nil {
		sign = s.Signs.Publish(live.StreamKey)
	}
	if domain.AsRefusal(err) != nil {
		err = nil
	}
	return &sign, err
}
