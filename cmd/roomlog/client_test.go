package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// clientModule is the folder of the client module.
const clientModule = "../../api/web/assets"

// TestClientModuleResumes runs the client module in Node. One client loses its connection hundreds of times while it comments:
// every comment takes effect once, and both clients receive every comment once and in order. Errors have their codes.
func TestClientModuleResumes(t *testing.T) {
	t.Parallel()
	node := need(t, "node", "node")
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t), "--comment-rate", "100000", "--comment-burst", "100000"}, unhurried...)...)
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	live := anna.open("a show")
	module, err := filepath.Abs(clientModule + "/client.js")
	if err != nil {
		t.Fatal(err)
	}
	const cuts = 500
	cmd := exec.CommandContext(t.Context(), node, "--experimental-websocket", "--no-warnings", "testdata/clients/page/cut.mjs",
		module, "http://"+at.addr, bert.token, anna.token, fmt.Sprint(live), fmt.Sprint(cuts))
	var faults strings.Builder
	cmd.Stderr = &faults
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, faults.String())
	}
	var report struct {
		Received, Steady   []string
		Snapshots, Replies int
		Errors             []string
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var want []string
	for n := range cuts {
		want = append(want, fmt.Sprint("comment ", n))
	}
	want = append(want, "the last comment")
	if !slices.Equal(report.Received, want) {
		t.Errorf("the client that lost its connection received %d comments, want each of %d once and in order: %q", len(report.Received), len(want), report.Received)
	}
	if !slices.Equal(report.Steady, want) {
		t.Errorf("the other client received %d comments, want each of %d once and in order", len(report.Steady), len(want))
	}
	if report.Replies != cuts || report.Snapshots != 1 {
		t.Errorf("%d different replies and %d snapshots, want %d and 1: a resume needs no snapshot", report.Replies, report.Snapshots, cuts)
	}
	wantErrors := []string{"RoomlogError comment_empty", "RoomlogError gift_not_found", "RoomlogError token_missing", "RoomlogError network", "RoomlogError client_closed"}
	if !slices.Equal(report.Errors, wantErrors) {
		t.Errorf("errors %q, want %q", report.Errors, wantErrors)
	}
}

// TestClientModuleAcknowledgesGifts runs two clients in Node, of which one gives a gift. Both acknowledge it, which shows in its
// delivery.
func TestClientModuleAcknowledgesGifts(t *testing.T) {
	t.Parallel()
	node := need(t, "node", "node")
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t)}, unhurried...)...)
	at.roomlog("gift", "add", "--name", "Rose", "--coin", "30")
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	at.roomlog("coins", "credit", "--user", fmt.Sprint(bert.id), "--amount", "100", "--order", "o1")
	module, err := filepath.Abs(clientModule + "/client.js")
	if err != nil {
		t.Fatal(err)
	}
	got := inFolder(t, ".", node, "--experimental-websocket", "--no-warnings", "testdata/clients/page/gift.mjs",
		module, "http://"+at.addr, bert.token, anna.token, fmt.Sprint(anna.open("gifts")))
	if strings.TrimSpace(string(got)) != "[2,2,1]" {
		t.Errorf("got %s: sent, acknowledged, and acknowledged by the streamer; want [2,2,1]", got)
	}
}

// TestClientModuleInTypeScript compiles a program with the types of the client module, and runs it: it manages restream targets and
// webhooks.
func TestClientModuleInTypeScript(t *testing.T) {
	t.Parallel()
	node := need(t, "node", "node")
	modules, err := filepath.Abs(npmPackages(t, typescriptClient))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, folder := range map[string]string{"package.json": typescriptClient, "tsconfig.json": typescriptClient, "operate.ts": typescriptClient, "client.js": clientModule, "live.js": clientModule, "client.d.ts": clientModule} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err == nil {
			text = []byte(strings.ReplaceAll(string(text), `"main.ts", "schema.d.ts"`, `"operate.ts", "client.d.ts"`))
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t)}, unhurried...)...)
	join(t, at, "boss")
	at.roomlog("user", "grant", "1", "--role", "operator")
	at.roomlog("webhooks", "add", "people", "--url", "https://hooks.example/a", "--type", "gift.*")
	inFolder(t, dir, node, "node_modules/typescript/bin/tsc", "--outDir", ".")
	printed := inFolder(t, dir, node, "operate.js", "http://"+at.addr)
	const want = `{"targets":["there rtmps://media.example/app waiting 0"],"none":0,"webhooks":["people gift.* 0 0"],"letters":0,"count":0,"refusal":"webhook_not_found"}`
	if got := strings.TrimSpace(string(printed)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
