package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"roomlog/eventstore/pgtest/failover"
)

// TestLogFallsBack makes the database fall back to earlier states under three servers with native and Socket.IO
// viewers, a replay and writers: by the promotion of a standby that was held back, roomlog backup and restore, a base backup, and a
// point in time. Each time, everything must agree with the remaining log.
func TestLogFallsBack(t *testing.T) {
	t.Parallel()
	need(t, "node", "node")
	h := newFallback(t)
	h.round("promotion", func() func() {
		standby := h.database.Standby()
		standby.HoldBack()
		return func() { h.database.Promote(standby) }
	})
	h.round("backup of roomlog", func() func() {
		dir := filepath.Join(t.TempDir(), "backup")
		h.servers[1].roomlog("backup", dir)
		return func() {
			h.database.Recreate(func(dsn string) {
				restore := &process{t: t, env: []string{"DATABASE_URL=" + dsn}, args: []string{"--data", filepath.Join(t.TempDir(), "data")}}
				restore.roomlog("restore", dir)
			})
		}
	})
	h.round("base backup", func() func() {
		backup := h.database.Backup()
		return func() { h.database.Restore(backup) }
	})
	h.round("point in time", func() func() {
		backup := h.database.Backup()
		h.say("after the backup")
		point := h.database.Point("here")
		return func() { h.database.RestoreTo(backup, point) }
	})
	for _, p := range h.servers {
		if code := p.stop(); code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
	}
}

// TestSynchronousStandbyLosesNothing promotes a synchronous standby while users send gifts through three servers.
func TestSynchronousStandbyLosesNothing(t *testing.T) {
	t.Parallel()
	database := failover.Start(t)
	standby := database.Standby()
	standby.Synchronous()
	env := append([]string{"DATABASE_URL=" + database.DSN()}, sharedSecrets...)
	var servers []*process
	for range 3 {
		servers = append(servers, serve(t, env, append([]string{"--data", dataDir(t)}, unhurried...)...))
	}
	c := startLoad(t, 4, 3, 80, servers...)
	c.middle(0, 2)
	database.Promote(standby)
	c.judge()
	for _, p := range servers {
		if strings.Contains(p.output(), "log has another history") {
			t.Error("a server has noticed another history, though nothing was lost")
		}
	}
}

// fallback is a group of three servers with a database that can fall back, and with viewers of one live.
type fallback struct {
	t        *testing.T
	database *failover.Database
	servers  []*process
	live     int64
	speaker  *person
	analyst  *person
	quitter  *person // a user who leaves in each round before the log falls back
	late     *person // a user who joins in each round before the log falls back
	viewers  []*viewer
	players  []*player
	watchers []*person // users of the players

	changes int    // number of changes of the history so far
	noticed [3]int // number of changes that each server has reported so far
}

// viewer is a native viewer whose connection stays open.
type viewer struct {
	*person
	*socket
	line   *line
	epochs []string // epochs of the snapshots after changes of the history
}

func newFallback(t *testing.T) *fallback {
	h := &fallback{t: t, database: failover.Start(t)}
	env := append([]string{"DATABASE_URL=" + h.database.DSN()}, sharedSecrets...)
	for range 3 {
		h.servers = append(h.servers, serve(t, env, append([]string{"--data", dataDir(t), "--presence-grace", "2s", "--comment-rate", "100000", "--comment-burst", "100000"}, unhurried...)...))
	}
	h.speaker, h.analyst = join(t, h.servers[0], "speaker"), join(t, h.servers[1], "analyst")
	h.quitter, h.late = join(t, h.servers[1], "quitter"), join(t, h.servers[2], "late")
	h.fill()
	h.live = h.speaker.open("a show that is older than the faults")
	h.servers[0].roomlog("user", "grant", fmt.Sprint(h.analyst.id), "--role", "analyst")
	for i, at := range h.servers {
		p := join(t, at, fmt.Sprint("viewer", i))
		s := p.connect("")
		h.viewers = append(h.viewers, &viewer{person: p, socket: s, line: newLine(h.live, enter(t, s, h.live, "").Snapshot)})
	}
	for i, kind := range [][2]string{{"2", "websocket"}, {"4", "polling"}} {
		watcher := join(t, h.servers[i], fmt.Sprint("watcher", i))
		p := play(t, h.servers[i], kind[0], kind[1])
		p.emit("joinLive", map[string]any{"live_id": h.live, "token": watcher.token})
		hear(p, "online", func(l shownList) bool { return l.among(watcher.name, p.id) })
		h.players, h.watchers = append(h.players, p), append(h.watchers, watcher)
	}
	return h
}

// say posts a comment and waits until all viewers have received it.
func (h *fallback) say(text string) {
	h.t.Helper()
	s := h.speaker.connect("")
	s.must("comment.post", map[string]any{"live": h.live, "text": text}, "")
	s.cut()
	h.hear(text)
}

// hear waits until all viewers have received a comment.
func (h *fallback) hear(text string) {
	h.t.Helper()
	for _, v := range h.viewers {
		v.await(text, func(f frame) bool { return f.Type == "comment" && into[by](h.t, f).Text == text })
	}
	for _, p := range h.players {
		hear(p, "comment", func(c shownComment) bool { return c.Content == text })
	}
}

// round calls prepare in an earlier state, causes events that will be lost, and makes the log fall back.
func (h *fallback) round(name string, prepare func() (fallBack func())) {
	h.t.Helper()
	h.say("before the " + name)
	quitter := h.quitter.connect("")
	enter(h.t, quitter, h.live, "")
	fallBack := prepare()

	// The server acknowledges all of these commands, but their events are lost.
	lost := "lost by the " + name
	h.say(lost)
	lostUser := join(h.t, h.servers[1], fmt.Sprint("lost-", h.changes))
	ghost := lostUser.connect("")
	enter(h.t, ghost, h.live, "")
	late := h.late.connect("")
	found := enter(h.t, late, h.live, "").Snapshot
	quitter.must("room.leave", map[string]any{"live": h.live}, "")
	quitter.cut()
	for _, v := range h.viewers {
		v.line.hear(h.t, v.socket)
	}
	var position int64
	if _, err := fmt.Sscan(found.Cursor, &position); err != nil {
		h.t.Fatal(err)
	}
	h.servers[0].signedUpTo(position) // From now on, a server remembers that the lost events existed.
	replay := h.follow(found.Cursor)
	exported := h.export()
	writing := h.write("written during the " + name)

	fallBack()

	exported(name, lost)
	epochs := h.restored(lost)
	writing()
	h.say("after the " + name)
	newcomer := join(h.t, h.servers[2], fmt.Sprint("newcomer-", h.changes))
	s := newcomer.connect("")
	h.compare(enter(h.t, s, h.live, "").Snapshot, lost)
	s.cut()

	// The lost account does not exist any more; its connection is closed.
	eventually(h.t, name+": the connection of the lost account is closed", func() bool { return !ghost.alive() })
	if ghost.code != 4500 && ghost.code != 4501 {
		h.t.Errorf("%s: the connection of the lost account was closed with %d %s", name, ghost.code, ghost.reason)
	}
	if _, err := lostUser.dial(""); err == nil {
		h.t.Errorf("%s: the lost account can still sign in with its token", name)
	}

	// Presence is recorded again, and nobody stays in the list whose leave was lost.
	want := []int64{h.late.id}
	for _, v := range h.viewers {
		want = append(want, v.person.id)
	}
	for _, g := range h.watchers {
		want = append(want, g.id)
	}
	slices.Sort(want)
	eventually(h.t, name+": exactly those are listed who are connected", func() bool {
		there := h.speaker.viewers(h.live)
		slices.Sort(there)
		return slices.Equal(there, want)
	})
	late.cut()

	// Cursors of the lost history are refused, or clients with them get a snapshot.
	h.refused(name, found.Cursor, replay)
	for _, epoch := range epochs {
		if epoch == found.Epoch {
			h.t.Errorf("%s: the epoch is still %s", name, epoch)
		}
	}
	h.reported(name, position)
	h.restartTree(name)
	if out := h.servers[0].roomlog("verify"); !strings.HasPrefix(out, "ok: ") {
		h.t.Errorf("%s: verify printed %s", name, out)
	}
}

// restored waits until all viewers have received a snapshot, and checks that it contains nothing of what was lost. It
// returns the epochs.
func (h *fallback) restored(lost string) (epochs []string) {
	h.t.Helper()
	for _, v := range h.viewers {
		var found *snapshot
		v.await("a snapshot", func(f frame) bool {
			if f.Type != "snapshot" {
				return false
			}
			s := into[snapshot](h.t, f)
			if strings.Contains(string(f.Data), lost) || slices.Contains(v.epochs, s.Epoch) {
				return false
			}
			found = &s
			return true
		})
		v.epochs = append(v.epochs, found.Epoch)
		epochs = append(epochs, found.Epoch)
	}
	for i, p := range h.players {
		hear(p, "online", func(l shownList) bool { return l.among(h.watchers[i].name, p.id) })
	}
	return epochs
}

// compare checks that the snapshot of a new client contains the newest comments of the log, and that each viewer has received
// exactly the comments and gifts that the log contains after the viewer's snapshot, except for those that a push "skipped" counts.
func (h *fallback) compare(now *snapshot, lost string) {
	h.t.Helper()
	var facts, comments []int64 // positions of the comments and gifts of the live, and of the comments
	log := h.servers[0].roomlog("export", "--live", fmt.Sprint(h.live), "--type", "comment.posted.v1", "--type", "gift.sent.v2")
	for line := range strings.Lines(log) {
		var e logged
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			h.t.Fatalf("%v in %s", err, line)
		}
		facts = append(facts, e.Position)
		if e.Type == "comment.posted.v1" && e.Position <= now.Pos {
			comments = append(comments, e.Position)
		}
	}
	slices.Reverse(comments)
	var shown []int64
	for _, c := range now.Comments {
		shown = append(shown, c.Pos)
		if strings.Contains(c.Text, lost) {
			h.t.Errorf("a new client gets what was lost: %s at position %d", c.Text, c.Pos)
		}
	}
	const newest = 50 // comments in a snapshot
	if want := comments[:min(newest, len(comments))]; !slices.Equal(shown, want) {
		h.t.Errorf("%s: a new client gets the comments at %v, want %v", lost, shown, want)
	}
	for i, v := range h.viewers {
		v.line.hear(h.t, v.socket)
		var want []int64
		for _, at := range facts {
			if at > v.line.since && at <= v.line.at {
				want = append(want, at)
			}
		}
		got := v.line.facts[v.line.before:]
		received := slices.DeleteFunc(slices.Clone(want), func(at int64) bool { return !slices.Contains(got, at) })
		if len(want) == 0 || !slices.Equal(got, received) || len(want)-len(got) > v.line.left {
			h.t.Errorf("%s: after its snapshot at %d, viewer %d has received the comments and gifts at %v, and %d pushes were left out, want %v",
				lost, v.line.since, i, got, v.line.left, want)
		}
	}
}

// follow starts a replay that continues after a cursor.
func (h *fallback) follow(after string) <-chan string {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, "http://"+h.analyst.at.addr+"/api/events?follow=true&after="+after, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("token", h.analyst.token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		h.t.Fatalf("the replay is answered with %d, want %v", response.StatusCode, http.StatusOK)
	}
	last := make(chan string, 1)
	go func() {
		defer response.Body.Close()
		lines, text := bufio.NewScanner(response.Body), ""
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if lines.Text() != "" {
				text = lines.Text()
			}
		}
		last <- text
	}()
	return last
}

// export starts an export of more bytes than the command can write before somebody reads them, so that it waits in the
// middle. The returned function reads the rest after the log has fallen back: the export must fail instead of
// continuing in the other history, and each line must be complete.
func (h *fallback) export() (finish func(name, lost string)) {
	h.t.Helper()
	at := h.servers[1]
	export := exec.CommandContext(h.t.Context(), program(h.t), "export")
	export.Env = append(append(environment0(), at.env...), "ROOMLOG_DATA="+at.data())
	var stderr strings.Builder
	export.Stderr = &stderr
	out, err := export.StdoutPipe()
	if err == nil {
		err = export.Start()
	}
	if err != nil {
		h.t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if _, err := lines.Peek(1); err != nil {
		h.t.Fatalf("the export prints nothing: %v %s", err, stderr.String())
	}
	return func(name, lost string) {
		h.t.Helper()
		var last struct {
			Cursor   string
			Position int64
		}
		text, err := io.ReadAll(lines)
		if err != nil {
			h.t.Fatal(err)
		}
		for i, line := range strings.SplitAfter(string(text), "\n") {
			position := last.Position
			if line == "" {
				break
			}
			if err := json.Unmarshal([]byte(line), &last); err != nil || last.Position != position+1 || !strings.HasSuffix(line, "\n") {
				h.t.Errorf("%s: line %d of the running export, after position %d: %v in %.300s", name, i+1, position, err, line)
				break
			}
		}
		if err := export.Wait(); err == nil || strings.Contains(string(text), lost) {
			h.t.Errorf("%s: an export that was running ended with %v at position %d, or contains what was lost\n%s", name, err, last.Position, stderr.String())
		}
		if !strings.Contains(stderr.String(), "roomlog: ") {
			h.t.Errorf("%s: the export does not say why it failed: %q", name, stderr.String())
		}
	}
}

// restartTree begins a new tree of the transparency log, as an operator does. It checks that verify first names the lost
// checkpoint, and nothing else.
func (h *fallback) restartTree(name string) {
	h.t.Helper()
	var out string
	eventually(h.t, name+": verify names the lost checkpoint", func() bool {
		out, _ = h.servers[0].try("verify")
		return strings.Contains(out, "the transparency log is halted: a checkpoint was signed")
	})
	if faults := strings.Count(out, "fault: "); faults != 1 {
		h.t.Errorf("%s: verify names %d faults, want 1:\n%s", name, faults, out)
	}
	h.servers[0].roomlog("audit", "restart")
}

// fill posts many comments in another live. An export of the log then reads more than one page of 1000 events, and the
// first page does not fit into a pipe.
func (h *fallback) fill() {
	h.t.Helper()
	live := h.speaker.open("a show with many comments")
	text := strings.Repeat("a", 200)
	var running sync.WaitGroup
	for range 8 {
		s := h.speaker.connect("")
		running.Go(func() {
			for range 160 {
				if _, err := s.ask("comment.post", map[string]any{"live": live, "text": text}, ""); err != nil {
					h.t.Error(err)
					return
				}
			}
			s.cut()
		})
	}
	running.Wait()
}

// refused checks what clients receive that continue after a lost event.
func (h *fallback) refused(name, cursor string, replay <-chan string) {
	h.t.Helper()
	select {
	case last := <-replay:
		var line struct{ Cursor, End string }
		err := json.Unmarshal([]byte(last), &line)
		if err != nil || line.End != "cursor_lost" && line.End != "busy" { // busy: the database could not be reached for 10 s
			h.t.Errorf("%s: the replay ended with %s", name, last)
		}
		h.conflict(name, line.Cursor)
	case <-time.After(timeout):
		h.t.Errorf("%s: the replay of a lost event does not end", name)
	}
	h.conflict(name, cursor)
	if out, code := h.servers[1].try("export", "--after", cursor); code == 0 {
		h.t.Errorf("%s: an export continues after a lost event: %.300s", name, out)
	}
	for _, at := range h.servers {
		h.late.at = at
		s := h.late.connect(cursor)
		if back := enter(h.t, s, h.live, cursor); back.Snapshot == nil || back.Resumed != nil {
			h.t.Errorf("%s: a join after a lost event got %+v", name, back)
		}
		s.must("room.leave", map[string]any{"live": h.live}, "")
		s.cut()
	}
}

// conflict checks that a replay after a lost event is refused.
func (h *fallback) conflict(name, cursor string) {
	h.t.Helper()
	if status, raw := h.analyst.do(http.MethodGet, "/api/events?follow=false&after="+cursor, nil, nil); status != http.StatusConflict {
		h.t.Errorf("%s: a replay after the lost event %s is answered with %d %.300s, want %v", name, cursor, status, raw, http.StatusConflict)
	}
}

var lostLine = regexp.MustCompile(`msg="log has another history: [^"]*" lost_position=(\d+) .*position=(\d+)`)

// reported checks that every server has logged and counted the change of the history, and that it names a lost event that is not
// older than lost, which every server knew.
func (h *fallback) reported(name string, lost int64) {
	h.t.Helper()
	h.changes++
	for i, at := range h.servers {
		eventually(h.t, fmt.Sprintf("%s: server %d is ready", name, i), func() bool {
			status, _ := (&person{t: h.t, at: at}).do(http.MethodGet, "/readyz", nil, nil)
			return status == http.StatusOK
		})
		found := lostLine.FindAllStringSubmatch(at.output(), -1)
		if len(found) < h.changes {
			h.t.Errorf("%s: server %d has reported %d changes of the history, want %d", name, i, len(found), h.changes)
		}
		var newest int64 // lost position of this round
		for _, line := range found[h.noticed[i]:] {
			at, err := strconv.ParseInt(line[1], 10, 64)
			if err != nil {
				h.t.Fatal(err)
			}
			newest = max(newest, at)
		}
		if h.noticed[i] = len(found); newest < lost {
			h.t.Errorf("%s: server %d has reported %d as the newest lost position, want at least %d", name, i, newest, lost)
		}
		halts := strings.Count(at.output(), `level=ERROR msg="transparency log is halted`)
		if most := h.changes * len(h.servers); halts > most { // in each round one cause for each server: the checkpoint that it knows and the database has lost
			h.t.Errorf("%s: server %d has logged that the transparency log is halted %d times, want at most %d", name, i, halts, most)
		}
		for line := range strings.Lines(at.output()) {
			if strings.Contains(line, `level=ERROR msg="request failed"`) {
				h.t.Errorf("%s: server %d has logged an error for a request that the change of the history has ended: %s", name, i, line)
			}
		}
	}
}

// write posts comments without a pause until the returned function is called. Some of them fail.
func (h *fallback) write(text string) (stop func()) {
	writing, cancel := context.WithCancel(h.t.Context())
	var running sync.WaitGroup
	for i, at := range h.servers {
		p := *h.speaker
		p.at = at
		s := p.connect("")
		running.Go(func() {
			for n := 0; writing.Err() == nil && s.alive(); n++ {
				_, _ = s.askFor(replyTimeout, "comment.post", map[string]any{"live": h.live, "text": fmt.Sprintf("%s %d %d", text, i, n)}, "")
			}
			s.cut()
		})
	}
	return func() {
		cancel()
		running.Wait()
	}
}
