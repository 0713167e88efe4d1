package main_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// rooms returns the names of the chat rooms.
func (p *person) rooms() (names []string) {
	p.t.Helper()
	status, raw := p.do(http.MethodGet, "/getAllRooms", nil, nil)
	var all struct {
		Data []struct {
			Name string `json:"name"`
		} `json:"data"`
	}
	if err := json.Unmarshal(raw, &all); err != nil || status != http.StatusOK {
		p.t.Fatalf("%d %s", status, raw)
	}
	for _, room := range all.Data {
		names = append(names, room.Name)
	}
	return names
}

// createRoom creates a chat room without signing in and returns the response.
func (p *person) createRoom(name string) string {
	p.t.Helper()
	_, raw := p.do(http.MethodPost, "/createRoom", nil, []byte(`{"name":"`+name+`"}`))
	return string(raw)
}

// TestUnusedChatRoomsExpire checks that a chat room that nobody uses is removed. Chat rooms of operators, and chat
// rooms with a participant or a recent message, must stay.
func TestUnusedChatRoomsExpire(t *testing.T) {
	t.Parallel()
	env := withDatabase(t)
	at := serve(t, env, append([]string{"--data", dataDir(t), "--clean-interval", "100ms", "--empty-chat-room-keep", "3s", "--chat-rooms", "4"}, unhurried...)...)
	p := &person{t: t, at: at}
	at.roomlog("room", "add", "of an operator")
	for _, name := range []string{"present", "talk"} {
		s := join(t, at, "in "+name).connect("")
		eventually(t, "a user is in chat room "+name+" before it expires", func() bool {
			if got := p.createRoom(name); !strings.Contains(got, `"code":0`) {
				t.Fatal(got)
			}
			f, err := s.ask("chat.join", map[string]any{"room": name}, "")
			if err != nil || f.Type != "ok" && !strings.Contains(string(f.Data), "chat_room_not_found") {
				t.Fatalf(`chat.join is answered %s %s, %v, want "ok"`, f.Type, f.Data, err)
			}
			return f.Type == "ok"
		})
		if name == "talk" {
			s.must("chat.post", map[string]any{"room": name, "text": "hello"}, "")
			s.must("chat.leave", map[string]any{"room": name}, "")
		}
	}
	if got := p.createRoom("refused"); !strings.Contains(got, `"code":1`) {
		t.Fatalf("a fifth chat room: %s", got)
	}
	at.roomlog("room", "remove", "demo")
	if got := p.createRoom("empty"); !strings.Contains(got, `"code":0`) {
		t.Fatal(got)
	}
	eventually(t, "the empty chat room is removed", func() bool { return !slices.Contains(p.rooms(), "empty") })
	for _, name := range []string{"of an operator", "present", "talk"} {
		if !slices.Contains(p.rooms(), name) {
			t.Errorf("%s was removed", name)
		}
	}
	log := at.roomlog("export", "--type", "chat_room.removed.v1")
	if !strings.Contains(log, `"reason":"unused"`) || !strings.Contains(log, `"system"`) {
		t.Errorf("the log does not say who has removed it and why: %s", log)
	}
	if got := p.createRoom("empty"); !strings.Contains(got, `"code":0`) {
		t.Errorf("place and name are not free: %s", got)
	}
}

// TestChatRoomsOfAnAddressAreLimitedPerDay checks that clients with one address cannot take all chat rooms.
func TestChatRoomsOfAnAddressAreLimitedPerDay(t *testing.T) {
	t.Parallel()
	env := withDatabase(t)
	at := serve(t, env, append([]string{"--data", dataDir(t), "--chat-rooms-per-day", "3", "--chat-rooms-per-address", "1000"}, unhurried...)...)
	p := &person{t: t, at: at}
	for i, name := range []string{"a", "b", "c", "d"} {
		if got := p.createRoom(name); strings.Contains(got, `"code":0`) != (i < 3) {
			t.Errorf("chat room %d of the day: %s", i+1, got)
		}
	}
}
