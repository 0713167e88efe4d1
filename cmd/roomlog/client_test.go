package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// TestClientModuleInTypeScript compares the types of the client module with the schemas of the server: types.ts does not compile
// if one differs. It compiles the examples of CLIENTS.md, and runs a program, which manages restream targets and webhooks. The modules
// of the page read no property that the server never sends.
func TestClientModuleInTypeScript(t *testing.T) {
	t.Parallel()
	node := need(t, "node", "node")
	modules, err := filepath.Abs(npmPackages(t, typescriptClient))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for folder, names := range map[string][]string{
		typescriptClient: {"package.json", "tsconfig.json", "generate.js", "types.ts", "operate.ts", "page.js"},
		clientModule:     {"client.js", "live.js", "client.d.ts"},
		"../../docs":     {"openapi.json", "asyncapi.json"},
	} {
		for _, name := range names {
			text, err := os.ReadFile(filepath.Join(folder, name))
			if err == nil {
				text = []byte(strings.ReplaceAll(string(text), `"main.ts", "schema.d.ts"`, `"types.ts", "guide.ts", "operate.ts", "client.d.ts"`))
				err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "guide.ts"), []byte(guide(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	inFolder(t, dir, node, "generate.js", "openapi.json", "asyncapi.json")
	inFolder(t, dir, node, "node_modules/typescript/bin/tsc", "--outDir", ".")
	checkPage(t, dir, node)
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t)}, unhurried...)...)
	join(t, at, "boss")
	at.roomlog("user", "grant", "1", "--role", "operator")
	at.roomlog("webhooks", "add", "people", "--url", "https://hooks.example/a", "--type", "gift.*")
	printed := inFolder(t, dir, node, "operate.js", "http://"+at.addr)
	const want = `{"targets":["there rtmps://media.example/app waiting 0"],"none":0,"webhooks":["people gift.* 0 0"],"letters":0,"count":0,"refusal":"webhook_not_found"}`
	if got := strings.TrimSpace(string(printed)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// checkPage checks the modules of the page with the types that generate.js has written to a folder.
func checkPage(t *testing.T, dir, node string) {
	t.Helper()
	page := filepath.Join(dir, "page")
	if err := os.CopyFS(page, os.DirFS(clientModule)); err != nil {
		t.Fatal(err)
	}
	libraries, err := filepath.Glob(filepath.Join(page, "vendor", "*.js"))
	if err != nil {
		t.Fatal(err)
	}
	for _, library := range libraries { // their code is large, and has no data of the server
		types := []byte("declare const library: any;\nexport default library;\n")
		if filepath.Base(library) == "ui.js" {
			types, err = os.ReadFile(typescriptClient + "/ui.d.ts")
		}
		if err == nil {
			err = os.WriteFile(strings.TrimSuffix(library, ".js")+".d.ts", types, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// a module with the faults that must be found
	const wrong = `import { client } from "./state.js";
export const since = (/** @type {import("./client.js").Media} */ media) => media.started_at;
export const title = (live) => live.title;
client.get("/api/live/all");
export const length = () => client.get("/api/live/find?of=past").then((found) => found.items[0].duration_ms);
`
	if err := os.WriteFile(filepath.Join(page, "wrong.js"), []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := []string{"wrong.js:2 ", "wrong.js:3 ", "wrong.js:4 ", "wrong.js:5 "}
	lines := strings.Split(strings.TrimSpace(string(inFolder(t, dir, node, "page.js"))), "\n")
	var reads int
	if _, err := fmt.Sscanf(lines[len(lines)-1], "%d reads", &reads); err != nil || reads < 2000 {
		t.Fatalf("page.js found %q, want more than 2000 reads", lines[len(lines)-1])
	}
	for _, fault := range lines[:len(lines)-1] {
		at := slices.IndexFunc(missing, func(place string) bool { return strings.HasPrefix(fault, place) })
		if at < 0 {
			t.Error(fault)
			continue
		}
		missing = slices.Delete(missing, at, at+1)
	}
	if len(missing) > 0 {
		t.Errorf("page.js did not find the faults of %q", missing)
	}
}

// guide returns the examples of CLIENTS.md as a module: each is a function of its own.
func guide(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/CLIENTS.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?ms)^```js\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	if len(examples) < 8 {
		t.Fatalf("CLIENTS.md has %d examples, want at least 8", len(examples))
	}
	var module strings.Builder
	module.WriteString(`import { Client, Live, newKey } from "./client.js";
declare const client: Client, live: Live, key: string, price: number;
declare const show: any, append: any, count: any, end: any, showCoins: any, signInAgain: any, askAgain: any, topUp: any; // functions of an app
`)
	replace := strings.NewReplacer(`import { Client } from "roomlog-client";`, "", "=> …", "=> undefined", "catch (error)", "catch (error: any)")
	for n, example := range examples {
		fmt.Fprintf(&module, "export async function example%d() {\n%s}\n", n, replace.Replace(example[1]))
	}
	return module.String()
}
