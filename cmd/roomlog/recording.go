package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"roomlog/api"
	"roomlog/media"
	"roomlog/media/broadcasts"
	"roomlog/media/record"
)

// recordSettings are about recordings.
type recordSettings struct {
	Record          string        `group:"media" env:"ROOMLOG_RECORD" enum:"off,requested,all" default:"requested" help:"What is recorded: off, nothing; requested, the lives whose owners want it; all, every room but those whose owners do not want it."`
	Recordings      string        `group:"media" env:"ROOMLOG_RECORDINGS" placeholder:"DIR" help:"Where recordings are kept, by one process alone. Default: recordings in the data folder."`
	RecordQuota     int64         `group:"media" env:"ROOMLOG_RECORD_QUOTA" default:"53687091200" help:"What all recordings may take, in bytes. The oldest make room for those that run. -1: no bound."`
	RecordLiveQuota int64         `group:"media" env:"ROOMLOG_RECORD_LIVE_QUOTA" default:"10737418240" help:"The same for the recordings of one room."`
	RecordReserve   int64         `group:"media" env:"ROOMLOG_RECORD_RESERVE" default:"1073741824" help:"What stays free on the disk; when there is less, nothing is recorded."`
	RecordKeep      time.Duration `group:"media" env:"ROOMLOG_RECORD_KEEP" help:"How long recordings are kept. 0: until others need their space."`
	RecordSweep     time.Duration `group:"media" env:"ROOMLOG_RECORD_SWEEP" default:"1m" help:"How often the files of what was deleted are looked for."`
}

// recordings is what one process records and has recorded. A nil one is that of a process that does not.
type recordings struct {
	archive  *broadcasts.Recordings
	recorder *record.Recorder
	door     http.Handler
}

// openRecordings opens the folder of recordings. What runs in it ends after the shows do, and before the log.
func (c *serveCommand) openRecordings(ctx context.Context, h *house, e *engine, l *layers, signer *media.Signer) (*recordings, error) {
	a, err := broadcasts.NewRecordings(broadcasts.RecordingsConfig{Record: broadcasts.RecordMode(c.Record), Commands: e.sequencer, Queries: e.queries, Signer: signer, Log: h.log})
	if err != nil {
		return nil, err
	}
	recorder, err := record.New(record.Config{
		Recordings: cmp.Or(c.Recordings, filepath.Join(h.data, "recordings")), Now: h.sh.now, Log: h.log, Observer: a,
		RecordQuota: c.RecordQuota, RecordLiveQuota: c.RecordLiveQuota, RecordReserve: c.RecordReserve, RecordKeep: c.RecordKeep, RecordSweep: c.RecordSweep,
	})
	if errors.Is(err, record.ErrInUse) {
		h.log.WarnContext(ctx, "this process records nothing: another one has the folder", slog.Any("err", err))
		return nil, nil //nolint:nilnil // none is what there is
	}
	if err != nil {
		return nil, err
	}
	l.add("folder of recordings", recorder.Close)
	l.run(ctx, "recordings", recorder.Run)
	door := &record.Handler{Recorder: recorder, Authorize: a.Authorize, AllowOrigin: c.AllowOrigin}
	return &recordings{a, recorder, http.StripPrefix(api.RecordingsRoute, door)}, nil
}

// told hears of shows that the log knows.
func (r *recordings) told(ctx context.Context, t broadcasts.Change, server *media.Server) {
	switch {
	case r == nil:
	case t.Reason == "":
		r.archive.Start(ctx, t.Live, t.Broadcast, server, r.recorder)
	default:
		r.archive.Stop(t.Live, t.Broadcast, t.Reason, r.recorder)
	}
}

// beside serves recordings, and everything else by another handler.
func (r *recordings) beside(other http.Handler) http.Handler {
	if r == nil {
		return other
	}
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if strings.HasPrefix(q.URL.Path, api.RecordingsRoute) {
			r.door.ServeHTTP(w, q)
			return
		}
		other.ServeHTTP(w, q)
	})
}

// meter shows what it does.
func (r *recordings) meter(m metering) {
	if r == nil {
		return
	}
	of := func(figure func(record.Stats) float64) func() float64 {
		return func() float64 { return figure(r.recorder.Stats()) }
	}
	m.gauge("recordings_running", "Streams that are being recorded.", of(func(s record.Stats) float64 { return float64(s.Running) }))
	m.gauge("recordings_kept", "Recordings on the disk.", of(func(s record.Stats) float64 { return float64(s.Kept) }))
	m.gauge("recordings_bytes", "What they take.", of(func(s record.Stats) float64 { return float64(s.Bytes) }))
	m.counter("recordings_failed_total", "Recordings that ended before their stream did.", of(func(s record.Stats) float64 { return float64(s.Failures) }))
	m.counter("recordings_deleted_total", "Recordings deleted for their age, or to make room.", of(func(s record.Stats) float64 { return float64(s.Deleted) }))
}
