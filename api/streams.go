package api

import (
	"context"
	"slices"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// Streams is what goes through the media doors of all processes.
type Streams interface {
	// Streams lists the streams that go on and those that somebody waits for, in the order of rooms.
	Streams(ctx context.Context) ([]Stream, error)
	// Players lists who watches a room.
	Players(ctx context.Context, live projections.Live) ([]StreamPlayer, error)
	// LiveOfPlayer returns the live that a connected player plays, and reports whether there is such a player.
	LiveOfPlayer(ctx context.Context, id domain.PlayerID) (live domain.LiveID, found bool, err error)
}

// Stream is what a room's stream is and does.
type Stream struct {
	Live    domain.LiveID      `json:"live"`
	Title   string             `json:"title"`
	UserID  domain.UserID      `json:"user_id" doc:"the room's owner"`
	Show    domain.BroadcastID `json:"show" doc:"empty while somebody waits for a stream"`
	Process string             `json:"process" doc:"the server process that takes it in"`
	Picture *LivePicture       `json:"picture" doc:"null while somebody waits for a stream"`
	// Figures are those of the process that takes the stream in.
	Publishing bool           `json:"publishing" doc:"false while a lost encoder may come back"`
	Bitrate    int            `json:"bitrate" doc:"of the encoder, in bits a second"`
	GOP        int            `json:"gop" doc:"pictures from one key frame to the next"`
	GOPMillis  int64          `json:"gop_ms"`
	Players    map[string]int `json:"players" doc:"by protocol, on all processes"`
	FramesIn   uint64         `json:"frames_in"`
	BytesIn    uint64         `json:"bytes_in"`
	BytesOut   uint64         `json:"bytes_out"`
	Skips      uint64         `json:"skips" doc:"times that a slow player was taken to a newer key frame"`
	Drops      uint64         `json:"drops" doc:"players that were given up because they took nothing"`
}

// StreamPlayer is somebody who watches.
type StreamPlayer struct {
	ID       string    `json:"id" doc:"to kick it by"`
	Process  string    `json:"process"`
	Protocol string    `json:"protocol" enum:"rtmp,http-flv,ws-flv,hls"`
	Address  string    `json:"address"`
	Since    time.Time `json:"since"`
	Bytes    uint64    `json:"bytes"`
	Frames   uint64    `json:"frames"`
	Skips    uint64    `json:"skips"`
}

func operates(member projections.User) bool {
	return slices.Contains(member.Roles, domain.RoleOperator)
}

// listStreams answers operators all streams, and everybody else their own.
func (s *server) listStreams(ctx context.Context, _ caller, _ *struct{}) ([]Stream, error) {
	member, err := s.member(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.Streams.Streams(ctx)
	if err != nil {
		return nil, err
	}
	seen := make([]Stream, 0, len(all))
	for _, stream := range all {
		if stream.UserID == member.ID || operates(member) {
			seen = append(seen, stream)
		}
	}
	return seen, nil
}

// streamPlayers answers operators and a room's owner who watches.
func (s *server) streamPlayers(ctx context.Context, _ caller, in *liveID) ([]StreamPlayer, error) {
	member, err := s.member(ctx)
	if err != nil {
		return nil, err
	}
	live, err := s.live(ctx, in.ID)
	switch {
	case err != nil:
		return nil, err
	case live.UserID != member.ID && !operates(member):
		return nil, refusal(domain.CodeForbidden, "this needs the live's owner or the role %s", domain.RoleOperator)
	}
	return s.Streams.Players(ctx, live)
}

type kickForm struct {
	Body struct {
		Live   number `json:"live,omitempty" doc:"ends the stream of this room"`
		Player string `json:"player,omitempty" maxLength:"64" doc:"or the connection of this player"`
		Note   string `json:"note,omitempty" maxLength:"100" doc:"why"`
	}
}

// kickStream ends the broadcast of a live or disconnects a player. Both are events, on which every node acts.
func (s *server) kickStream(ctx context.Context, c caller, in *kickForm) (string, error) {
	kick := in.Body
	if (kick.Live != 0) == (kick.Player != "") {
		return "", badRequest("live or player, one of them")
	}
	if kick.Live != 0 {
		_, err := s.execute(ctx, c, domain.KickBroadcast{Live: domain.LiveID(kick.Live), Reason: kick.Note})
		return "ok", err
	}
	if _, err := s.holder(ctx, domain.RoleOperator); err != nil {
		return "", err
	}
	player := domain.PlayerID(kick.Player)
	live, found, err := s.Streams.LiveOfPlayer(ctx, player)
	if err == nil && !found {
		err = refusal(domain.CodeNoBroadcast, "there is no player %s", kick.Player)
	}
	if err != nil {
		return "", err
	}
	_, err = s.execute(ctx, c, domain.KickPlayer{Live: live, Player: player, Reason: kick.Note})
	return "ok", err
}

// noStreams is of a process that knows of none.
type noStreams struct{}

func (noStreams) Streams(context.Context) ([]Stream, error) { return nil, nil }
func (noStreams) Players(context.Context, projections.Live) ([]StreamPlayer, error) {
	return []StreamPlayer{}, nil
}
func (noStreams) LiveOfPlayer(context.Context, domain.PlayerID) (domain.LiveID, bool, error) {
	return 0, false, nil
}
