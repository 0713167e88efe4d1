package broadcasts

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"roomlog/eventstore"
	"roomlog/media"
)

// What processes ask each other goes beside the log: it is true for a moment only.
const (
	asks    = "media? "
	answers = "media! "

	questionsAtOnce = 64   // more are not answered: whoever asks asks again
	mostPlayers     = 500  // of one stream, that are told of
	roomForItems    = 1500 // bytes of a whisper
)

// A question is what a Board asks every process.
type question struct {
	ID   string `json:"id"`
	Try  int    `json:"try"`
	What string `json:"what"` // streams, players or kick
	Key  string `json:"key,omitempty"`
	Who  string `json:"who,omitempty"` // media.Client.ID
	Note string `json:"note,omitempty"`
}

// A reply is a part of what one process answers.
type reply struct {
	ID      string            `json:"re"`
	Try     int               `json:"try"`
	Process string            `json:"process"`
	Part    int               `json:"part"`
	Last    bool              `json:"last"`
	Items   []json.RawMessage `json:"items"`
}

// answer answers questions until ctx ends.
func (s *Manager) answer(ctx context.Context) error {
	questions := make(chan question, questionsAtOnce)
	stop := s.cfg.Store.Overhear(func(text string) {
		var q question
		if text, is := strings.CutPrefix(text, asks); is && json.Unmarshal([]byte(text), &q) == nil {
			select {
			case questions <- q:
			default:
			}
		}
	})
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case q := <-questions:
			if err := s.reply(ctx, q); err != nil && ctx.Err() == nil {
				s.cfg.Log.WarnContext(ctx, "a question about streams was not answered", slog.Any("err", err))
			}
		}
	}
}

func (s *Manager) reply(ctx context.Context, q question) error {
	var items []any
	switch q.What {
	case "streams":
		for _, st := range s.server.Snapshot().Streams {
			items = append(items, figuresOf(st, s.cfg.Node))
		}
	case "players":
		for _, v := range s.server.Players(q.Key) {
			if len(items) < mostPlayers {
				items = append(items, playerOf(v, s.cfg.Node))
			}
		}
	case "kick":
		if s.server.Kick(q.Who) {
			s.cfg.Log.InfoContext(ctx, "an operator has ended a connection", slog.String("client", q.Who), slog.String("why", q.Note))
			items = append(items, q.Who)
		}
	}
	return s.whisper(ctx, reply{ID: q.ID, Try: q.Try, Process: s.cfg.Node}, items)
}

// whisper tells items in as many parts as it needs.
func (s *Manager) whisper(ctx context.Context, r reply, items []any) error {
	size := 0
	for _, item := range items {
		text, err := json.Marshal(item)
		if err != nil {
			return fmt.Errorf("answer: %w", err)
		}
		if size += len(text); size > roomForItems && len(r.Items) > 0 {
			if err := tell(ctx, s.cfg.Store, answers, r); err != nil {
				return err
			}
			r.Part, r.Items, size = r.Part+1, nil, len(text)
		}
		r.Items = append(r.Items, text)
	}
	r.Last = true
	return tell(ctx, s.cfg.Store, answers, r)
}

func tell(ctx context.Context, store *eventstore.Store, kind string, what any) error {
	text, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("whisper: %w", err)
	}
	return store.Whisper(ctx, kind+string(text))
}

// NodeStats is what a stream does in one process.
type NodeStats struct {
	Key       string                 `json:"key"`
	Node      string                 `json:"process"`
	Publisher string                 `json:"publisher,omitempty"` // media.Client.ID
	Bitrate   int                    `json:"bitrate"`             // of the publisher, in bits a second
	GOP       int                    `json:"gop"`                 // pictures of a group
	GOPLength time.Duration          `json:"gop_length"`
	Players   map[media.Protocol]int `json:"players"`
	Frames    uint64                 `json:"frames"`
	BytesIn   uint64                 `json:"in"`
	BytesOut  uint64                 `json:"out"`
	Skips     uint64                 `json:"skips"`
	Drops     uint64                 `json:"drops"`
}

func figuresOf(st media.StreamStats, process string) NodeStats {
	f := NodeStats{Key: st.Key, Node: process, Bitrate: st.Bitrate, GOP: st.GOP, GOPLength: st.GOPLength, Players: st.Players,
		Frames: st.FramesIn, BytesIn: st.BytesIn, BytesOut: st.BytesOut, Skips: st.Skips, Drops: st.Drops}
	if st.Publishing {
		f.Publisher = st.Broadcast.Publisher.ID
	}
	return f
}

// Player is somebody who watches.
type Player struct {
	ID       string         `json:"id"`
	Node     string         `json:"process"`
	Protocol media.Protocol `json:"protocol"`
	Address  string         `json:"address"`
	Since    time.Time      `json:"since"`
	Bytes    uint64         `json:"bytes"`
	Frames   uint64         `json:"frames"`
	Skips    uint64         `json:"skips"`
}

func playerOf(v media.PlaySession, process string) Player {
	return Player{v.Client.ID, process, v.Client.Protocol, v.Client.Address, v.StartedAt, v.Bytes, v.Frames, v.Skips}
}
