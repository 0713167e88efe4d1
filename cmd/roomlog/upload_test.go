package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// upload uploads an image of size bytes. It returns the URL of the image, or the code of the refusal.
func (p *person) upload(size int) (address, code string) {
	p.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "x.gif")
	if err != nil {
		p.t.Fatal(err)
	}
	const header = "GIF89a\x01\x00\x01\x00\x00\x00\x00"
	_, _ = part.Write(append([]byte(header), make([]byte, size-len(header))...))
	_ = form.Close()
	_, raw := p.do(http.MethodPost, "/api/upload", http.Header{"Content-Type": {form.FormDataContentType()}}, body.Bytes())
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil {
		p.t.Fatalf("%v in %s", err, raw)
	}
	if a.Msg == "ok" {
		if err := json.Unmarshal(a.Data, &address); err != nil {
			p.t.Fatal(err)
		}
	}
	return address, a.Code
}

// TestUploadsHaveOwnersAndQuotas checks the quota of each user and of all users. It also checks that uploads are
// deleted when nothing refers to them, when their owner is forgotten, and when the process was killed before they were
// recorded.
func TestUploadsHaveOwnersAndQuotas(t *testing.T) {
	t.Parallel()
	data := dataDir(t)
	folder := filepath.Join(data, "uploads")
	env := withDatabase(t)
	const size = 100_000
	at := serve(t, env, append([]string{"--data", data, "--upload-quota-per-user", fmt.Sprint(3 * size), "--upload-quota", fmt.Sprint(50 * size),
		"--upload-sweep", "100ms", "--clean-interval", "100ms", "--unused-upload-keep", "3s"}, unhurried...)...)
	orphan := filepath.Join(folder, strings.Repeat("0", 32)+".gif") // a file that a killed process has left
	if err := os.WriteFile(orphan, []byte("GIF89a"), 0o600); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(filepath.Join(folder, ".since"), long.Add(-time.Hour), long.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(orphan, long, long); err != nil {
		t.Fatal(err)
	}
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	exists := func(address string) bool {
		_, err := os.Stat(filepath.Join(folder, path.Base(address)))
		return err == nil
	}
	cover, _ := anna.upload(size)
	anna.post("/api/live/create", map[string]any{"title": "with a cover", "cover": cover}, nil)
	unused, _ := anna.upload(size)
	third, _ := anna.upload(size)
	if _, code := anna.upload(size); code != "upload_quota" {
		t.Errorf("above the own quota: %q", code)
	}
	if other, code := bert.upload(size); other == "" {
		t.Errorf("another user is refused: %s", code)
	}
	if files, _ := filepath.Glob(filepath.Join(folder, "*.gif")); len(files) > 5 {
		t.Errorf("a refused upload stays on disk: %v", files)
	}
	eventually(t, "unused uploads are deleted", func() bool { return !exists(unused) && !exists(third) })
	if !exists(cover) {
		t.Error("an upload in use was deleted")
	}
	if again, code := anna.upload(size); again == "" {
		t.Errorf("deleted uploads count against the quota: %s", code)
	}
	at.roomlog("user", "forget", fmt.Sprint(anna.id), "--yes")
	eventually(t, "the uploads of a forgotten user are deleted", func() bool { return !exists(cover) })
	if status, _ := bert.do(http.MethodGet, "/uploads/"+path.Base(cover), nil, nil); status != http.StatusNotFound {
		t.Errorf("an upload of a forgotten user is served: %d", status)
	}
	again := serve(t, env, append([]string{"--data", data, "--upload-sweep", "100ms"}, unhurried...)...) // starts with the files that are now in the folder
	eventually(t, "the orphan is deleted", func() bool { return !exists(orphan) })
	again.stop()
	log := at.roomlog("export", "--type", "upload.added.v1") + at.roomlog("export", "--type", "upload.deleted.v1")
	for _, want := range []string{`"cause":"unused"`, `"cause":"forgotten"`, `"bytes":100000`} {
		if !strings.Contains(log, want) {
			t.Errorf("%s is not in the log:\n%s", want, log)
		}
	}
}

// TestUploadsLeaveTheReserve checks that uploads are refused when the disk, or the quota of all uploads, is full.
func TestUploadsLeaveTheReserve(t *testing.T) {
	t.Parallel()
	env := withDatabase(t)
	for _, full := range [][]string{{"--disk-reserve", "1125899906842624"}, {"--upload-quota", "1000"}} {
		at := serve(t, env, append(append([]string{"--data", dataDir(t)}, full...), unhurried...)...)
		if _, code := join(t, at, "user of "+full[0][2:6]).upload(100_000); code != "storage_full" {
			t.Errorf("%v: %q", full, code)
		}
		at.stop()
	}
}
