package serve

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"roomlog/api"
	"roomlog/media"
	"roomlog/media/broadcasts"
	"roomlog/media/record"
)

// recordings contains the recorder of a process and the server of the files of all nodes.
type recordings struct {
	archive  *broadcasts.Recordings
	recorder *record.Recorder // records broadcasts; nil if this process records nothing
	handler  http.Handler     // serves the recordings of all nodes below api.RecordingsRoute
	own      http.Handler     // serves FOLDER/ID/FILE of this node to other nodes; nil if it records nothing
}

// openRecordings opens the folder of recordings, if this process has the role media. In a shutdown, the recorder ends after the broadcasts
// and before the log.
func openRecordings(ctx context.Context, c *config, env *environment, b *backend, l *layers, signer *media.Signer, others *relays) (*recordings, error) {
	config := c.archive
	config.Commands, config.Queries, config.Signer, config.Log = b.sequencer, b.queries, signer, env.log
	config.Now, config.Players = b.now, c.broadcasts.Players
	archive, err := broadcasts.NewRecordings(config)
	if err != nil {
		return nil, err
	}
	r := &recordings{archive: archive}
	if err := r.openFolder(ctx, c, env, b, l); err != nil {
		return nil, err
	}
	files := record.Handler{Recorder: r.recorder, Authorize: archive.Authorize, AllowOrigin: c.media.AllowOrigin, Log: env.log}
	if r.recorder != nil {
		own := files
		r.own = &own
	}
	files.Elsewhere = others.recordings.Serve
	r.handler = http.StripPrefix(api.RecordingsRoute, &files)
	stopReplies := others.nodes.Answer(r.recorder)
	l.add("surveys of nodes", func() error { stopReplies(); return nil })
	return r, nil
}

// openFolder opens the folder of recordings, unless this process has none.
func (r *recordings) openFolder(ctx context.Context, c *config, env *environment, b *backend, l *layers) error {
	if !slices.Contains(c.Roles, roleMedia) || env.folderless && c.Recordings == "" {
		return nil
	}
	files := c.recorder
	files.Recordings = cmp.Or(c.Recordings, filepath.Join(env.dataDir, "recordings"))
	files.Now, files.Log, files.Observer = b.now, env.log, r.archive
	recorder, err := record.New(files)
	if errors.Is(err, record.ErrInUse) {
		env.log.WarnContext(ctx, "recording disabled, another process uses the folder", slog.Any("error", err))
		return nil
	}
	if err != nil {
		return err
	}
	r.recorder = recorder
	l.add("folder of recordings", recorder.Close)
	stopReplies := broadcasts.AnswerSurveys(b.cluster, recorder)
	l.add("surveys of recordings", func() error { stopReplies(); return nil })
	l.run(ctx, "recordings", recorder.Run)
	return nil
}

// broadcastChanged starts or stops the recording of a broadcast that is in the log.
func (r *recordings) broadcastChanged(ctx context.Context, change broadcasts.Change, server *media.Server) {
	switch {
	case r.recorder == nil:
	case change.Reason == "":
		r.archive.Start(ctx, change.Live, change.Broadcast, server, r.recorder)
	default:
		r.archive.Stop(change.Live, change.Broadcast, change.Reason, r.recorder)
	}
}

// orElse returns a handler that serves recordings and passes all other requests to next.
func (r *recordings) orElse(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if strings.HasPrefix(q.URL.Path, api.RecordingsRoute) {
			r.handler.ServeHTTP(w, q)
			return
		}
		next.ServeHTTP(w, q)
	})
}

func (r *recordings) registerMetrics(m metrics) {
	if r.recorder == nil {
		return
	}
	stat := func(read func(record.Stats) float64) func() float64 {
		return func() float64 { return read(r.recorder.Stats()) }
	}
	m.gauge("recordings_running", "Broadcasts that are being recorded.", stat(func(s record.Stats) float64 { return float64(s.Running) }))
	m.gauge("recordings_kept", "Recordings on disk.", stat(func(s record.Stats) float64 { return float64(s.Kept) }))
	m.gauge("recordings_bytes", "Bytes that all recordings occupy on disk.", stat(func(s record.Stats) float64 { return float64(s.Bytes) }))
	m.counter("recordings_failed_total", "Recordings that ended before their broadcast because of an error.", stat(func(s record.Stats) float64 { return float64(s.Failures) }))
	m.counter("recordings_deleted_total", "Recordings deleted because of their age or to free space.", stat(func(s record.Stats) float64 { return float64(s.Deleted) }))
}
