package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"roomlog/api"
	"roomlog/domain"
	"roomlog/media/broadcasts"
	"roomlog/projections"
)

// streamBoard shows the board of the stage at the HTTP door.
type streamBoard struct{ *broadcasts.Directory }

// Streams implements api.Streams.
func (b streamBoard) Streams(ctx context.Context) ([]api.Stream, error) {
	lines, err := b.Directory.Streams(ctx)
	all := make([]api.Stream, 0, len(lines))
	for _, line := range lines {
		all = append(all, streamOf(line))
	}
	return all, err
}

// streamOf adds up what several processes say of one stream.
func streamOf(line broadcasts.Stream) api.Stream {
	live, show := line.Live, line.Live.Broadcast
	s := api.Stream{Live: live.ID, Title: live.Title, UserID: live.UserID, Show: show.ID, Process: show.Node, Players: map[string]int{}}
	if show.ID != "" {
		s.Picture = &api.LivePicture{MediaInfo: show.Media, Since: show.StartedAt}
	}
	for _, f := range line.Nodes {
		for protocol, n := range f.Players {
			s.Players[string(protocol)] += n
		}
		s.BytesOut, s.Skips, s.Drops = s.BytesOut+f.BytesOut, s.Skips+f.Skips, s.Drops+f.Drops
		if f.Node == show.Node {
			s.Publishing, s.Bitrate, s.GOP, s.GOPMillis = f.Publisher != "", f.Bitrate, f.GOP, f.GOPLength.Milliseconds()
			s.FramesIn, s.BytesIn = f.Frames, f.BytesIn
		}
	}
	return s
}

// Players implements api.Streams.
func (b streamBoard) Players(ctx context.Context, live projections.Live) ([]api.StreamPlayer, error) {
	players, err := b.Directory.Players(ctx, live)
	all := make([]api.StreamPlayer, 0, len(players))
	for _, p := range players {
		all = append(all, api.StreamPlayer{ID: p.ID, Process: p.Node, Protocol: string(p.Protocol), Address: p.Address,
			Since: p.Since, Bytes: p.Bytes, Frames: p.Frames, Skips: p.Skips})
	}
	return all, err
}

// atBoard is atDesk with a board, to which the servers answer.
func (g *globals) atBoard(ctx context.Context, sh shell, work func(context.Context, *desk, streamBoard) error) error {
	return g.atDesk(ctx, sh, func(ctx context.Context, d *desk) error {
		if err := d.upToDate(ctx); err != nil {
			return err
		}
		listening, stop := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- d.store.Listen(listening) }()
		err := work(ctx, d, streamBoard{broadcasts.NewDirectory(d.store, d.queries)})
		stop()
		return errors.Join(err, <-ended)
	})
}

type streamsList struct{}

// Run carries the command out.
func (*streamsList) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atBoard(ctx, sh, func(ctx context.Context, _ *desk, b streamBoard) error {
		streams, err := b.Streams(ctx)
		if err != nil {
			return err
		}
		t := newTable(sh.stdout, "LIVE", "TITLE", "PICTURE", "SOUND", "KBIT/S", "GOP", "PLAYERS", "SKIPS", "DROPS", "FOR", "PROCESS")
		for _, s := range streams {
			held, since := domain.MediaInfo{}, "waited for"
			if s.Picture != nil {
				held, since = s.Picture.MediaInfo, sh.now().Sub(s.Picture.Since).Round(time.Second).String()
			}
			t.row(s.Live, s.Title, picture(held), dash(held.Audio), s.Bitrate/1000, time.Duration(s.GOPMillis)*time.Millisecond,
				players(s.Players), s.Skips, s.Drops, since, dash(s.Process))
		}
		return t.end("Nothing is streamed now, and nobody waits for it")
	})
}

func picture(p domain.MediaInfo) string {
	if p.Width == 0 {
		return dash(p.Video)
	}
	return fmt.Sprintf("%s %dx%d", p.Video, p.Width, p.Height)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// players shows how many there are, by protocol.
func players(by map[string]int) string {
	var all []string
	for _, protocol := range slices.Sorted(maps.Keys(by)) {
		all = append(all, fmt.Sprintf("%s:%d", protocol, by[protocol]))
	}
	return dash(strings.Join(all, ","))
}

type streamsPlayers struct {
	Live int64 `arg:"" help:"The room, see roomlog streams list."`
}

// Run carries the command out.
func (c *streamsPlayers) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atBoard(ctx, sh, func(ctx context.Context, d *desk, b streamBoard) error {
		live, err := d.queries.Live(ctx, domain.LiveID(c.Live))
		if err != nil {
			return err
		}
		found, err := b.Players(ctx, live)
		if err != nil {
			return err
		}
		t := newTable(sh.stdout, "PLAYER", "PROTOCOL", "ADDRESS", "FOR", "MB", "SKIPS", "PROCESS")
		for _, p := range found {
			t.row(p.ID, p.Protocol, p.Address, sh.now().Sub(p.Since).Round(time.Second), fmt.Sprintf("%.1f", float64(p.Bytes)/1e6), p.Skips, p.Process)
		}
		return t.end("Nobody watches")
	})
}

type streamsKick struct {
	Live   int64  `xor:"whom" required:"" placeholder:"ID" help:"The room whose stream ends. It takes none for a minute; for good: stop the live."`
	Player string `xor:"whom" required:"" placeholder:"PLAYER" help:"The player, see roomlog streams players."`
	Note   string `help:"Why, for the log."`
}

// Run carries the command out.
func (c *streamsKick) Run(ctx context.Context, g *globals, sh shell) error {
	return g.atBoard(ctx, sh, func(ctx context.Context, d *desk, b streamBoard) error {
		if c.Player == "" {
			if _, err := d.change(ctx, domain.KickBroadcast{Live: domain.LiveID(c.Live), Reason: c.Note}); err != nil {
				return err
			}
			fmt.Fprintf(sh.stdout, "the stream of live %d has ended\n", c.Live)
			return nil
		}
		found, err := b.KickPlayer(ctx, c.Player, c.Note)
		switch {
		case err != nil:
			return err
		case !found:
			return &domain.Refusal{Code: domain.CodeNoBroadcast, Text: "no process has a player " + c.Player}
		}
		fmt.Fprintf(sh.stdout, "player %s has been sent away\n", c.Player)
		return nil
	})
}
