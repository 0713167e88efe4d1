package main_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestClientModuleResumes runs the client module in Node. One client loses its connection hundreds of times while it comments:
// every comment takes effect once, and both clients receive every comment once and in order. Errors have their codes.
func TestClientModuleResumes(t *testing.T) {
	t.Parallel()
	node := need(t, "node", "node")
	at := serve(t, withDatabase(t), append([]string{"--data", dataDir(t), "--comment-rate", "100000", "--comment-burst", "100000"}, unhurried...)...)
	anna, bert := join(t, at, "anna"), join(t, at, "bert")
	live := anna.open("a show")
	module, err := filepath.Abs("../../api/web/assets/client.js")
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
