package admin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/cmd/roomlog/streams"
	"roomlog/domain"
	"roomlog/eventstore/cluster"
	"roomlog/media/broadcasts"
)

// withStreams does the same as withBackend, and also passes a directory of streams to which all nodes reply.
func withStreams(ctx context.Context, g *cli.Globals, sh cli.Shell, work func(context.Context, *backend, streams.Directory) error) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		c := cluster.New(cluster.NewPostgres(b.owner), cluster.Config{Now: sh.Now, Log: b.log})
		return work(ctx, b, streams.Directory{Directory: broadcasts.NewDirectory(c, b.queries)})
	})
}

type streamsList struct{}

func (*streamsList) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withStreams(ctx, g, sh, func(ctx context.Context, _ *backend, directory streams.Directory) error {
		all, err := directory.Streams(ctx)
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "LIVE", "TITLE", "VIDEO", "AUDIO", "KBIT/S", "GOP", "PLAYERS", "RELAYS", "SKIPS", "DROPS", "FOR", "NODE")
		for _, s := range all {
			info, since := domain.MediaInfo{}, "waiting"
			if s.Media != nil {
				info, since = s.Media.MediaInfo, sh.Now().Sub(s.Media.StartedAt).Round(time.Second).String()
			}
			t.row(s.Live, s.Title, videoText(info), orDash(info.Audio), s.Bitrate/1000, time.Duration(s.GOPMillis)*time.Millisecond,
				playersText(s.Players), len(s.Relays), s.Skips, s.Drops, since, orDash(s.Node))
		}
		return t.end("No stream is published, and no player waits for one")
	})
}

func videoText(info domain.MediaInfo) string {
	if info.Width == 0 {
		return orDash(info.Video)
	}
	return fmt.Sprintf("%s %dx%d", info.Video, info.Width, info.Height)
}

// playersText returns the number of players by protocol, in the form "http-flv:2,rtmp:1".
func playersText(byProtocol map[string]int) string {
	var all []string
	for _, protocol := range slices.Sorted(maps.Keys(byProtocol)) {
		all = append(all, fmt.Sprintf("%s:%d", protocol, byProtocol[protocol]))
	}
	return orDash(strings.Join(all, ","))
}

type streamsPlayers struct {
	Live int64 `min:"1" arg:"" help:"Live, see roomlog streams list."`
}

func (c *streamsPlayers) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withStreams(ctx, g, sh, func(ctx context.Context, b *backend, directory streams.Directory) error {
		live, err := b.queries.Live(ctx, domain.LiveID(c.Live))
		if err != nil {
			return err
		}
		players, err := directory.Players(ctx, live)
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "PLAYER", "PROTOCOL", "ADDRESS", "FOR", "MB", "SKIPS", "NODE")
		for _, p := range players {
			t.row(p.ID, p.Protocol, p.Address, sh.Now().Sub(p.Since).Round(time.Second), fmt.Sprintf("%.1f", float64(p.Bytes)/1e6), p.Skips, p.Node)
		}
		return t.end("The live has no players")
	})
}

type streamsKick struct {
	Live       int64  `min:"1" xor:"target" required:"" placeholder:"ID" help:"End the stream of this live. The live accepts no stream for a minute. To end the live for ever: roomlog live stop."`
	Player     string `xor:"target" required:"" placeholder:"PLAYER" help:"Disconnect this player, see roomlog streams players."`
	reasonFlag `embed:""`
}

func (c *streamsKick) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withStreams(ctx, g, sh, func(ctx context.Context, b *backend, directory streams.Directory) error {
		if c.Player == "" {
			if _, err := b.execute(ctx, domain.KickBroadcast{Live: domain.LiveID(c.Live), Reason: c.Reason}); err != nil {
				return err
			}
			_, err := fmt.Fprintf(sh.Stdout, "the stream of live %d has ended\n", c.Live)
			return err
		}
		live, found, err := directory.LiveOfPlayer(ctx, domain.PlayerID(c.Player))
		switch {
		case err != nil:
			return err
		case !found:
			return &domain.Refusal{Code: domain.CodeNoBroadcast, Text: "no node has a player " + c.Player}
		}
		if _, err := b.execute(ctx, domain.KickPlayer{Live: live, Player: domain.PlayerID(c.Player), Reason: c.Reason}); err != nil {
			return err
		}
		_, err = fmt.Fprintf(sh.Stdout, "player %s is disconnected\n", c.Player)
		return err
	})
}

type streamsTargets struct {
	Live int64 `min:"1" arg:"" help:"Live, see roomlog streams list."`
}

func (c *streamsTargets) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withStreams(ctx, g, sh, func(ctx context.Context, _ *backend, directory streams.Directory) error {
		targets, err := directory.Restreams(ctx, domain.LiveID(c.Live))
		if err != nil {
			return err
		}
		t := newTable(sh.Stdout, "TARGET", "URL", "STATE", "FOR", "MB", "RECONNECTS", "SKIPS", "REASON")
		for _, r := range targets {
			since := "-"
			if r.Since != nil {
				since = sh.Now().Sub(*r.Since).Round(time.Second).String()
			}
			t.row(r.Target, r.URL, r.State, since, fmt.Sprintf("%.1f", float64(r.Bytes)/1e6), r.Reconnects, r.Skips, orDash(r.Reason))
		}
		return t.end("The live has no restream targets")
	})
}

type streamsUntarget struct {
	Live   int64  `min:"1" arg:"" help:"Live, see roomlog streams list."`
	Target string `arg:"" help:"Name of the target, see roomlog streams targets."`
}

func (c *streamsUntarget) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if _, err := b.execute(ctx, domain.RemoveRestream{Live: domain.LiveID(c.Live), Target: c.Target}); err != nil {
			return err
		}
		_, err := fmt.Fprintf(sh.Stdout, "live %d is not pushed on to %s\n", c.Live, c.Target)
		return err
	})
}
