package main_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestChatRoomsBesideAServer creates and removes chat rooms while a server runs. The first chat room exists from the
// start, and must not be created again after an operator has removed it.
func TestChatRoomsBesideAServer(t *testing.T) {
	t.Parallel()
	data := []string{"--data", dataDir(t)}
	at := serve(t, withDatabase(t), append(data, "--guest-chat")...)
	p := &person{t: t, at: at}
	rooms := func() string {
		t.Helper()
		status, raw := p.do(http.MethodGet, "/getAllRooms", nil, nil)
		if status != http.StatusOK {
			t.Fatalf("got %d %s, want %v", status, raw, http.StatusOK)
		}
		var names []string
		for _, found := range regexp.MustCompile(`"name":"([^"]*)"`).FindAllSubmatch(raw, -1) {
			names = append(names, string(found[1]))
		}
		return strings.Join(names, " ")
	}
	eventually(t, "the first room is in the tables", func() bool { return rooms() == "demo" })
	if out := at.roomlog("room", "add", "music"); !regexp.MustCompile(`^room [0-9a-f]{24}: music\n$`).MatchString(out) {
		t.Error(out)
	}
	if out, code := at.try("room", "add", "MUSIC"); code != 1 || !strings.Contains(out, "chat_room_taken") {
		t.Errorf(`got %d %s, want 1, "chat_room_taken" in it`, code, out)
	}
	if got := rooms(); got != "demo music" {
		t.Errorf(`then there are %q, want "demo music"`, got)
	}
	list := at.roomlog("room", "list")
	id := regexp.MustCompile(`([0-9a-f]{24}) +music `).FindStringSubmatch(list)
	if id == nil {
		t.Fatal(list)
	}
	at.roomlog("room", "remove", id[1])
	at.roomlog("room", "remove", "Demo")
	if out, code := at.try("room", "remove", "demo"); code != 1 || !strings.Contains(out, "there is no chat room demo") {
		t.Errorf(`got %d %s, want 1, "there is no chat room demo" in it`, code, out)
	}
	if out := at.roomlog("participant", "list"); out != "The chat has no participants.\n" {
		t.Error(out)
	}
	if out, code := at.try("participant", "forget", "1"); code != 2 || !strings.Contains(out, "--yes") {
		t.Errorf(`got %d %s, want 2, "--yes" in it`, code, out)
	}
	if out, code := at.try("participant", "forget", "1", "--yes"); code != 1 || !strings.Contains(out, "participant_not_found") {
		t.Errorf(`got %d %s, want 1, "participant_not_found" in it`, code, out)
	}
	status, raw := p.do(http.MethodPost, "/login", nil, []byte(`{"email":"zoe@example.org"}`))
	if status != http.StatusOK || !strings.Contains(string(raw), `{"code":0,"data":"ey`) {
		t.Errorf("got %d %s", status, raw)
	}
	at.stop()
	at.again()
	if got := rooms(); got != "" {
		t.Errorf(`after a restart there are %q, want ""`, got)
	}
	if out := at.roomlog("verify"); !strings.HasPrefix(out, "ok: ") {
		t.Error(out)
	}
}
