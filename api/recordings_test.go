package api_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"roomlog/api"
	"roomlog/domain"
)

type recordingForm struct {
	ID     string     `json:"id"`
	Live   int64      `json:"live_id"`
	Status string     `json:"status"`
	Reason string     `json:"cause"`
	Ended  *time.Time `json:"ended_at"`
	Millis int64      `json:"duration_ms"`
	Parts  []struct {
		URL    string `json:"url"`
		File   string `json:"file"`
		Millis int64  `json:"duration_ms"`
	} `json:"parts"`
	Index string `json:"index_url"`
}

func TestRecordings(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, b := d.account("alice"), d.account("bob")
	id := a.onAir("My show")
	path := fmt.Sprintf("/api/live/%d/recordings", id)
	began := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	d.systemCommand(domain.StartBroadcast{Live: id, Broadcast: "second", Node: "p1"})
	d.systemCommand(domain.FinishRecording{Live: id, Recording: "first", Cause: "lost", StartedAt: began, EndedAt: began.Add(time.Minute), DurationMS: 59_000, Bytes: 9000,
		Parts: []domain.RecordingPart{{File: "1.mp4", StartedAt: began, DurationMS: 59_000, Bytes: 8000}}})
	d.systemCommand(domain.StartRecording{Live: id, Recording: "second"})
	list := func() (all []recordingForm) {
		t.Helper()
		d.get(path).ok(&all)
		return all
	}
	got := list()
	var running, kept recordingForm
	for _, r := range got {
		if r.Status == "recording" {
			running = r
		} else {
			kept = r
		}
	}
	if len(got) != 2 || running.ID != "second" || running.Ended != nil || len(running.Parts) != 0 {
		t.Fatalf("got %+v", got)
	}
	if kept.ID != "first" || kept.Live != int64(id) || kept.Reason != "lost" || kept.Millis != 59_000 || len(kept.Parts) != 1 || kept.Parts[0].Millis != 59_000 {
		t.Fatalf("got %+v", kept)
	}
	if want := fmt.Sprintf("/recordings/%d/first/1.mp4?sign=play-", id); !strings.Contains(kept.Parts[0].URL, want) || !strings.HasPrefix(kept.Parts[0].URL, "http://") {
		t.Errorf("its address is %s", kept.Parts[0].URL)
	}
	if !strings.Contains(kept.Index, "/first/index.jsonl?sign=play-") {
		t.Errorf("the address of its index is %s", kept.Index)
	}
	var none []recordingForm
	if d.get(path + "?page=2").ok(&none); len(none) != 0 {
		t.Errorf("the second page has %+v, want 0 elements", none)
	}
	d.get("/api/live/999/recordings").expectFailure(http.StatusNotFound, domain.CodeLiveNotFound, "直播间不存在")
	d.get(path+"?page=0").expectFailure(http.StatusBadRequest, domain.CodeBadRequest, "参数错误")

	deletion := object{"id": id, "recording": "first"}
	d.post("/api/live/recording/delete", deletion).expectFailure(http.StatusUnauthorized, domain.CodeTokenMissing, "您没有权限访问该接口!")
	b.post("/api/live/recording/delete", deletion).expectFailure(http.StatusNotFound, domain.CodeRecordingNotFound, "录像不存在")
	a.post("/api/live/recording/delete", object{"id": id, "recording": "second"}).expectFailure(http.StatusConflict, domain.CodeRecordingRunning, "录像尚未结束")
	a.post("/api/live/recording/delete", deletion).ok(nil)
	if got := list(); len(got) != 1 || got[0].ID != "second" {
		t.Errorf("got %+v", got)
	}
	a.post("/api/live/recording/delete", deletion).expectFailure(http.StatusNotFound, domain.CodeRecordingNotFound, "录像不存在")
}

// TestReplayedChat reads the comments and gifts of a recorded live: whoever may watch the recording may read what was written
// while it ran, without what was removed, without comments of forgotten users, and without the coins. All else is private: a live
// without a recording, one whose recording runs or was deleted, and what was written at no time of a recording.
func TestReplayedChat(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, b, c := d.account("alice"), d.account("bob"), d.account("carol")
	rose, id := d.gift("Rose", 10), a.onAir("My show")
	comments, gifts := fmt.Sprintf("/api/live/%d/replay/comments", id), fmt.Sprintf("/api/live/%d/replay/gifts", id)
	private := func(when string) {
		t.Helper()
		for _, path := range []string{comments, gifts} {
			if got := d.get(path); got.status != http.StatusNotFound {
				t.Errorf("%s: %s has status %d", when, path, got.status)
			}
		}
	}
	b.credit(100)
	b.command(domain.SendGift{Live: id, Gift: rose, Num: 1})
	for _, text := range []string{"before it", "first", "second", "third"} {
		b.command(domain.PostComment{Live: id, Text: text})
	}
	c.command(domain.PostComment{Live: id, Text: "of carol"})
	b.command(domain.SendGift{Live: id, Gift: rose, Num: 2})
	b.command(domain.PostComment{Live: id, Text: "after it"})
	type item struct {
		Content  string    `json:"content"`
		Position int64     `json:"position"`
		Num      int       `json:"num"`
		At       time.Time `json:"at"`
	}
	type page struct {
		Items  []item
		Cursor *string
	}
	var all page
	a.get(fmt.Sprintf("/api/live/%d/comments?after=0", id)).ok(&all)
	private("without a recording")
	d.systemCommand(domain.StartBroadcast{Live: id, Broadcast: "show", Node: "p1"})
	d.systemCommand(domain.StartRecording{Live: id, Recording: "show"})
	private("while the recording runs")
	began, ended := all.Items[1].At, all.Items[len(all.Items)-1].At
	if !all.Items[0].At.Before(began) || ended.Sub(began) < time.Millisecond {
		t.Fatalf("the comments have the times %v", all.Items)
	}
	millis := ended.Sub(began).Milliseconds()
	parts := []domain.RecordingPart{ // together they have exactly the time from began to ended, which need not be whole milliseconds
		{File: "1.mp4", StartedAt: began, DurationMS: millis, Bytes: 8000},
		{File: "2.mp4", StartedAt: ended.Add(-time.Duration(millis) * time.Millisecond), DurationMS: millis, Bytes: 8000},
	}
	around := domain.FinishRecording{Live: id, Recording: "none", Cause: "lost", StartedAt: began.Add(-time.Hour), EndedAt: ended.Add(time.Hour)}
	d.systemCommand(around)
	private("with a recording without parts")
	d.systemCommand(domain.FinishRecording{Live: id, Recording: "show", Cause: "stopped", StartedAt: began, EndedAt: ended,
		DurationMS: millis, Bytes: 16_000, Parts: parts})
	read := func(query string) (texts []string, found page) {
		t.Helper()
		d.get(comments + query).ok(&found)
		for _, one := range found.Items {
			texts = append(texts, one.Content)
		}
		return texts, found
	}
	texts, found := read("?after=0")
	if fmt.Sprint(texts) != "[first second third of carol]" {
		t.Fatalf("a visitor reads %v", texts)
	}
	a.post("/api/live/comment/remove", object{"id": id, "comment": found.Items[1].Position}).ok(nil)
	d.operator(domain.ForgetUser{User: c.ID})
	texts, found = read("?after=0&limit=1")
	rest, _ := read("?limit=500&after=" + *found.Cursor)
	if fmt.Sprint(texts, rest) != "[first] [third]" {
		t.Errorf("without removed and forgotten comments: %v and %v", texts, rest)
	}
	found = page{}
	d.get(gifts).ok(&found).keysOf("data items [0]", "id", "position", "sender", "gift", "name", "image", "num", "at")
	if len(found.Items) != 1 || found.Items[0].Num != 2 {
		t.Errorf("a visitor reads the gifts %v", found.Items)
	}
	d.get("/api/live/999/replay/gifts").expectFailure(http.StatusNotFound, domain.CodeLiveNotFound, "直播间不存在")
	a.post("/api/live/access", object{"id": id, "access": "followers"}).ok(nil)
	for _, path := range []string{comments, gifts} {
		if got := d.get(path); got.status != http.StatusForbidden {
			t.Errorf("a visitor reads %s of a live for followers: status %d", path, got.status)
		}
		if got := b.get(path); got.status != http.StatusForbidden {
			t.Errorf("a user who does not follow reads %s: status %d", path, got.status)
		}
		a.get(path).ok(nil)
	}
	a.post("/api/live/access", object{"id": id, "access": "open"}).ok(nil)
	read("")
	d.systemCommand(domain.StopBroadcast{Live: id, Broadcast: "show", Cause: "stopped"})
	a.post("/api/live/recording/delete", object{"id": id, "recording": "show"}).ok(nil)
	private("after the recording was deleted")
}

func TestSetRecording(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, b := d.account("alice"), d.account("bob")
	id := a.onAir("My show")
	d.post("/api/live/record", object{"id": id, "on": true}).expectFailure(http.StatusUnauthorized, domain.CodeTokenMissing, "您没有权限访问该接口!")
	b.post("/api/live/record", object{"id": id, "on": true}).expectFailure(http.StatusNotFound, domain.CodeLiveNotFound, "直播间不存在")
	a.post("/api/live/record", object{"id": fmt.Sprint(id), "on": true}).ok(nil)
	a.post("/api/live/record", object{"id": id, "on": false}).ok(nil)
	a.post("/api/live/record", object{"id": id}).expectFailure(http.StatusBadRequest, domain.CodeBadRequest, "参数错误")
}

// TestPublishKeyOverREST creates, reads and revokes the publish key of a live.
func TestPublishKeyOverREST(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, b := d.account("alice"), d.account("bob")
	id := a.onAir("My show")
	type keyState struct {
		Set   bool       `json:"set"`
		SetAt *time.Time `json:"set_at"`
	}
	state := func() (s keyState) {
		t.Helper()
		a.get(fmt.Sprintf("/api/live/%d/publish_key", id)).ok(&s)
		return s
	}
	if s := state(); s.Set || s.SetAt != nil {
		t.Errorf("before: %+v", s)
	}
	var key struct {
		PublishKey string `json:"publish_key"`
		StreamKey  string `json:"stream_key"`
	}
	a.post("/api/live/publish_key", object{"id": id}).ok(&key)
	if key.PublishKey != "pk_KEY" || !strings.HasSuffix(key.StreamKey, "?sign=pk_KEY") || len(key.StreamKey) != 20+len("?sign=pk_KEY") {
		t.Errorf("key %+v", key)
	}
	if s := state(); !s.Set || s.SetAt == nil {
		t.Errorf("after: %+v", s)
	}
	for _, path := range []string{"/api/live/publish_key", "/api/live/publish_key/revoke"} {
		b.post(path, object{"id": id}).expectFailure(http.StatusNotFound, domain.CodeLiveNotFound, "直播间不存在")
		d.post(path, object{"id": id}).expectFailure(http.StatusUnauthorized, domain.CodeTokenMissing, "您没有权限访问该接口!")
	}
	a.post("/api/live/publish_key/revoke", object{"id": id}).ok(nil)
	if s := state(); s.Set || s.SetAt != nil {
		t.Errorf("after it was revoked: %+v", s)
	}
}

// TestRepeatedRequestCreatesAnotherPublishKey checks that each returned publish key is in the log, even if the client
// repeats its idempotency key.
func TestRepeatedRequestCreatesAnotherPublishKey(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { c.Signs = randomKeys{} })
	a := d.account("alice")
	id := a.onAir("My show")
	for range 2 {
		var key struct {
			PublishKey string `json:"publish_key"`
		}
		a.post("/api/live/publish_key", object{"id": id}, "Idempotency-Key", "k1").ok(&key)
		current, err := d.queries.PublishKey(t.Context(), id)
		if err != nil || current.Hash != hashOf(key.PublishKey) {
			t.Errorf("the publish key of the response is not that of the live, error %v", err)
		}
	}
}

// randomKeys creates another publish key with each call.
type randomKeys struct{ signs }

func (randomKeys) NewPublishKey() (key, hash string) {
	key = "pk_" + rand.Text()
	return key, hashOf(key)
}

func hashOf(key string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(key))) }

type directory = api.Streams

// surveyedStreams are streams of which a test determines the result of the surveys of running recordings.
type surveyedStreams struct {
	directory
	surveys atomic.Int64
	result  func() ([]api.RunningRecording, error)
}

func (s *surveyedStreams) RunningRecordings(context.Context, domain.LiveID) ([]api.RunningRecording, error) {
	s.surveys.Add(1)
	return s.result()
}

// TestSurveysOfRunningRecordings checks that many lists cost one survey, and that a survey that fails costs only the sizes.
func TestSurveysOfRunningRecordings(t *testing.T) {
	t.Parallel()
	streams := &surveyedStreams{}
	var later atomic.Int64 // seconds
	d := startAPI(t, func(c *api.Config) {
		c.Streams = streams
		start := time.Now()
		c.Now = func() time.Time { return start.Add(time.Duration(later.Load()) * time.Second) }
	})
	id := d.account("alice").onAir("My show")
	path := fmt.Sprintf("/api/live/%d/recordings", id)
	d.systemCommand(domain.StartBroadcast{Live: id, Broadcast: "b", Node: "p1"})
	d.systemCommand(domain.StartRecording{Live: id, Recording: "b"})
	list := func(wantMillis int64) {
		t.Helper()
		var all []recordingForm
		d.get(path).ok(&all)
		if len(all) != 1 || all[0].Status != "recording" || all[0].Millis != wantMillis {
			t.Errorf("got %+v, want a running recording of %d ms", all, wantMillis)
		}
	}
	expect := func(want int64) {
		t.Helper()
		if n := streams.surveys.Load(); n != want {
			t.Errorf("%d surveys, want %d", n, want)
		}
	}
	streams.result = func() ([]api.RunningRecording, error) {
		return []api.RunningRecording{{ID: "b", Duration: time.Second}}, nil
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { list(1000) })
	}
	all.Wait()
	expect(1)

	streams.result = func() ([]api.RunningRecording, error) { return nil, errors.New("the network is down") }
	list(1000)
	expect(1)
	later.Add(2)
	list(0)
	list(0)
	expect(2)
	if n := strings.Count(d.log.String(), "the network is down"); n != 1 {
		t.Errorf("the failure is in the log %d times, want once", n)
	}
}
