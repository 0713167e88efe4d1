package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// recordingDTO is a recording in a REST response.
type recordingDTO struct {
	ID     string     `json:"id"`
	Status string     `json:"status"`
	Reason string     `json:"cause"`
	Ended  *time.Time `json:"ended_at"`
	Millis int64      `json:"duration_ms"`
	Bytes  int64      `json:"bytes"`
	Index  string     `json:"index_url"`
	HLS    string     `json:"hls_url"`
	Parts  []struct {
		URL, File string
		Bytes     int64
		Media     struct{ Width, Height int } `json:"media"`
	}
}

func (p *person) recordings(live int64) (all []recordingDTO) {
	p.t.Helper()
	p.get(fmt.Sprintf("/api/live/%d/recordings", live), &all)
	return all
}

// finished waits until a live has n recordings and all of them are finished.
func (p *person) finished(live int64, n int) []recordingDTO {
	p.t.Helper()
	var all []recordingDTO
	eventually(p.t, fmt.Sprintf("%d recordings of room %d", n, live), func() bool {
		all = p.recordings(live)
		for _, r := range all {
			if r.Status != "finished" {
				return false
			}
		}
		return len(all) == n
	})
	return all
}

func (p *person) record(live int64, on bool) {
	p.t.Helper()
	p.post("/api/live/record", map[string]any{"id": live, "on": on}, nil)
}

func folders(t testing.TB, at *process) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(at.data(), "recordings", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// fragments returns the number of recorded fragments on the disk.
func fragments(t testing.TB, at *process) (n int) {
	t.Helper()
	for _, folder := range folders(t, at) {
		index, _ := os.ReadFile(filepath.Join(folder, "index.jsonl"))
		n += strings.Count(string(index), `"kind":"fragment"`)
	}
	return n
}

// head returns the response to a HEAD request.
func head(t testing.TB, url string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer
}

// TestRunningRecordingIsPlayedFromItsBeginning plays a recording while its broadcast runs, and continues to its end.
func TestRunningRecordingIsPlayedFromItsBeginning(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	at := serve(t, withDatabase(t), "--data", dataDir(t))
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	file := film(t, 20)
	want := decode(t, file).frames()
	room := anna.create("a show")
	live := room.Data.ID
	anna.record(live, true)
	encoder := publish(t, file, at.rtmpURL(room))
	var running recordingDTO
	eventually(t, "the running recording can be played", func() bool {
		all := bert.recordings(live)
		if len(all) != 1 || all[0].Status != "recording" || len(all[0].Parts) != 1 {
			return false
		}
		running = all[0]
		return running.Millis >= 6000 && running.Parts[0].Bytes > 0 && head(t, running.HLS).StatusCode == http.StatusOK
	})
	if got := decode(t, running.HLS, "-prefer_x_start", "1").frames(); len(got) != len(want) || got[0].hash != want[0].hash { // ffmpeg begins where the playlist says, and follows it to its end
		t.Errorf("got %d of %d frames of the running recording", len(got), len(want))
	}
	if err := encoder.wait(); err != nil {
		t.Error(err)
	}
	rec := bert.finished(live, 1)[0]
	part(t, "the playlist of the closed recording", want, decode(t, rec.HLS).frames(), len(want))
	if answer := head(t, rec.HLS); answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "application/vnd.apple.mpegurl" {
		t.Errorf("HEAD: %s %v", answer.Status, answer.Header)
	}
	if got := status(t, strings.Split(rec.HLS, "?")[0]); got != http.StatusForbidden {
		t.Errorf("without a sign: got %d, want %v", got, http.StatusForbidden)
	}
}

// TestBroadcastIsRecordedOnDisk records a broadcast, lists the recording, plays it from the middle, and deletes it.
func TestBroadcastIsRecordedOnDisk(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	at := serve(t, append(withDatabase(t), "ROOMLOG_RECORD_SWEEP=200ms"), "--data", dataDir(t))
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	file := film(t, 20) // so long that a slow machine sees the running recording
	want := decode(t, file).frames()
	room, other := anna.create("a show"), anna.create("one that nobody asked for")
	live := room.Data.ID
	anna.record(live, true)
	if status, _ := bert.do(http.MethodPost, "/api/live/record", http.Header{"Content-Type": {"application/json"}}, fmt.Appendf(nil, `{"id":%d,"on":false}`, live)); status != http.StatusNotFound {
		t.Errorf("somebody else has decided: %d, want %v", status, http.StatusNotFound)
	}
	encoder, silent := publish(t, file, at.rtmpURL(room)), publish(t, film(t, 1), at.rtmpURL(other))
	eventually(t, "the broadcast is being recorded", func() bool {
		all := bert.recordings(live)
		return len(all) == 1 && all[0].Status == "recording" && strings.Contains(anna.figures(), "roomlog_recordings_running 1")
	})
	if err := encoder.wait(); err != nil {
		t.Error(err)
	}
	_ = silent.wait()
	rec := bert.finished(live, 1)[0]
	if rec.Reason != "stopped" || rec.Millis < 19800 || rec.Millis > 20300 || len(rec.Parts) != 1 || rec.Parts[0].Media.Width != 320 || rec.Bytes < rec.Parts[0].Bytes {
		t.Fatalf("got %+v", rec)
	}
	if all := bert.recordings(other.Data.ID); len(all) > 0 {
		t.Errorf("got %+v, which no request asked for", all)
	}
	url := rec.Parts[0].URL
	part(t, "the recording", want, decode(t, url).frames(), len(want))
	_, flv := at.mediaAddresses()
	beside := "http://" + flv + url[strings.Index(url, "/recordings/"):]
	part(t, "the recording, from the players' door", want, decode(t, beside).frames(), len(want))
	middle := ffmpeg(t, "-ss", "4", "-i", url, "-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-")
	if got := middle.frames(); len(got) != len(want)-100 || got[0].hash != want[100].hash {
		t.Errorf("got %d of %d pictures from the middle on", len(got), len(want))
	}
	for what, bad := range map[string]string{
		"no sign":                 strings.Split(url, "?")[0],
		"a sign of another room":  strings.Replace(url, strings.Split(url, "sign=")[1], *bert.read(other.Data.ID).Sign, 1),
		"a sign that was made up": url[:len(url)-1] + "x",
	} {
		if got := status(t, bad); got != http.StatusForbidden {
			t.Errorf("%s: got %d, want %v", what, got, http.StatusForbidden)
		}
	}
	for _, none := range []string{"2.mp4", "..%2f..%2f..%2fsecrets", "%2e%2e/%2e%2e/.lock"} {
		if got := status(t, strings.Replace(url, "1.mp4", none, 1)); got != http.StatusNotFound {
			t.Errorf("%s: got %d, want %v", none, got, http.StatusNotFound)
		}
	}
	if index := fetch(t, rec.Index); strings.Count(index, `"kind":"fragment"`) < 5 || !strings.Contains(index, `"kind":"end"`) {
		t.Errorf("the index is %s", index)
	}

	deletion := fmt.Appendf(nil, `{"id":%d,"recording":%q}`, live, rec.ID)
	form := http.Header{"Content-Type": {"application/json"}}
	if got, _ := bert.do(http.MethodPost, "/api/live/recording/delete", form, deletion); got != http.StatusNotFound {
		t.Errorf("somebody else deletes it: %d, want %v", got, http.StatusNotFound)
	}
	if got, raw := anna.do(http.MethodPost, "/api/live/recording/delete", form, deletion); got != http.StatusOK {
		t.Fatalf("%d: got %s, want %v", got, raw, http.StatusOK)
	}
	if all := bert.recordings(live); len(all) > 0 || status(t, url) != http.StatusNotFound {
		t.Errorf("the deleted recording is still listed: %+v", all)
	}
	eventually(t, "the files are deleted", func() bool { return len(folders(t, at)) == 0 })
	if got := exported[map[string]any](at, "recording.deleted.v1"); len(got) != 1 || got[0]["cause"] != "requested" {
		t.Errorf(`the log says %v, want 1 element, got[0]["cause"] "requested"`, got)
	}
}

// fetch returns the body of the response to a GET request.
func fetch(t testing.TB, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", answer.Status, err)
	}
	return string(body)
}

// TestABroadcastWithAReconnectIsOneRecording kills and restarts the encoder, and stops the server during the recording.
func TestABroadcastWithAReconnectIsOneRecording(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	at := serve(t, withDatabase(t), "--data", dataDir(t), "--record", "all", "--stream-grace", "10m")
	anna := join(t, at, "anna")
	file := film(t, 2)
	room := anna.create("a show")
	grows := func(what string) {
		t.Helper()
		before := fragments(t, at)
		eventually(t, what, func() bool { return fragments(t, at) >= before+2 })
	}
	encoder := publish(t, file, at.rtmpURL(room), "-stream_loop", "-1")
	grows("a recording")
	encoder.kill()
	eventually(t, "the server has lost the encoder", func() bool { return strings.Contains(anna.figures(), "roomlog_media_publishers 0") })
	again := publish(t, file, at.rtmpURL(room), "-stream_loop", "-1")
	grows("the same recording, when the encoder is back")
	at.signal(syscall.SIGTERM)
	if code := at.wait(); code != 0 {
		t.Fatalf("the server ended with %d, want 0", code)
	}
	again.kill()
	if left := folders(t, at); len(left) != 1 {
		t.Fatalf("there are %q, want 1 element", left)
	}
	at.again()
	rec := anna.finished(room.Data.ID, 1)[0]
	if rec.Reason != "shutdown" || len(rec.Parts) != 1 || rec.Millis < 2000 {
		t.Fatalf("got %+v", rec)
	}
	if got := decode(t, filepath.Join(folders(t, at)[0], "1.mp4")).frames(); len(got) < 50 {
		t.Errorf("%d pictures", len(got))
	}
}

// TestServerKilledWhileRecording checks that the next start recovers the recording.
func TestServerKilledWhileRecording(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	at := serve(t, withDatabase(t), "--data", dataDir(t), "--record", "all", "--presence-grace", "1s")
	anna := join(t, at, "anna")
	room := anna.create("a show")
	encoder := publish(t, film(t, 2), at.rtmpURL(room), "-stream_loop", "-1")
	eventually(t, "three fragments", func() bool { return fragments(t, at) >= 3 })
	file := filepath.Join(folders(t, at)[0], "1.mp4")
	at.kill()
	encoder.kill()
	if got := decode(t, file).frames(); len(got) < 60 {
		t.Errorf("got %d pictures before the next start", len(got))
	}
	at.again()
	rec := anna.finished(room.Data.ID, 1)[0]
	if rec.Reason != "interrupted" || rec.Millis < 2500 || len(rec.Parts) != 1 {
		t.Fatalf("got %+v", rec)
	}
	if got := decode(t, rec.Parts[0].URL).frames(); len(got) < 60 {
		t.Errorf("got %d pictures after the next start", len(got))
	}
	if got := exported[json.RawMessage](at, "recording.finished.v1"); len(got) != 1 {
		t.Errorf("the log says %s, want 1 element", got)
	}
}

// TestAFullDiskEndsNoBroadcast checks that a broadcast continues when its recording ends because the disk is full, and
// that the recording has this cause.
func TestAFullDiskEndsNoBroadcast(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	at := serve(t, withDatabase(t), "--data", dataDir(t), "--record", "all", "--disk-reserve", "1125899906842624")
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	room := anna.create("a show")
	publish(t, film(t, 2), at.rtmpURL(room), "-stream_loop", "-1")
	rec := anna.finished(room.Data.ID, 1)[0]
	if rec.Reason != "disk_full" || len(rec.Parts) != 0 {
		t.Fatalf(`got %+v, want Reason "disk_full", 0 Parts`, rec)
	}
	watch(t, at.flvURL(bert.read(room.Data.ID), ".flv")).gets(t, "a player")
	if !strings.Contains(anna.figures(), "roomlog_recordings_failed_total 1") || !strings.Contains(at.output(), "reason=disk_full") {
		t.Error("no message was logged")
	}
}
