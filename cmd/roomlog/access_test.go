package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"roomlog/realtime/socketio/siotest"
)

// TestUserWithoutAccess checks every state in which a user has no access, on every server: REST, the native dialect,
// Socket.IO and RTMP. The command is executed on one node, and the user is connected to another.
func TestUserWithoutAccess(t *testing.T) {
	t.Parallel()
	needFFmpeg(t)
	env := withDatabase(t)
	first := serve(t, env, append([]string{"--data", dataDir(t)}, unhurried...)...)
	other := serve(t, env, append([]string{"--data", dataDir(t)}, unhurried...)...)
	file := film(t, 2)
	for _, state := range []struct {
		name         string
		enter, leave []string // arguments of the commands, with ID in place of the user's id
		expires      []string // a command after leave whose effect ends after some time
		final        bool     // whether the user can never get access again
	}{
		{name: "active"},
		{name: "banned", enter: []string{"ban", "--user", "ID"}, leave: []string{"unban", "--user", "ID"}},
		{name: "expired", enter: []string{"ban", "--user", "ID", "--for", "1h"}, leave: []string{"unban", "--user", "ID"}, expires: []string{"ban", "--user", "ID", "--for", "1s"}},
		{name: "disabled", enter: []string{"user", "disable", "ID"}, leave: []string{"user", "enable", "ID"}},
		{name: "forgotten", enter: []string{"user", "forget", "ID", "--yes"}, final: true},
	} {
		t.Run(state.name, func(t *testing.T) {
			user := join(t, other, "matrix-"+state.name)
			run := func(command []string) {
				if command != nil {
					first.roomlog(strings.Split(strings.ReplaceAll(strings.Join(command, "\x00"), "ID", fmt.Sprint(user.id)), "\x00")...)
				}
			}
			room := user.create("matrix") // the live is not on air, so that it does not end
			encoder := publish(t, file, other.rtmpURL(room), "-stream_loop", "-1")
			eventually(t, "the live has a broadcast", func() bool { return user.read(room.Data.ID).Data.Media != nil })
			native := user.connect("")
			sio := siotest.Dial(t, "http://"+other.addr+"/socket.io/", siotest.Options{Version: 3})
			id := sio.Connect()

			run(state.enter)
			if state.enter != nil {
				eventually(t, "the encoder is disconnected", encoder.over)
				native.awaitClose()
				eventually(t, "REST refuses the token", func() bool {
					status, _ := user.do(http.MethodGet, "/api/user/info", nil, nil)
					return status != http.StatusOK
				})
				if _, err := user.dial(""); err == nil {
					t.Error("the native socket is accepted")
				}
				sio.Emit("joinLive", map[string]any{"live_id": room.Data.ID, "token": user.token})
				if refusal := string(sio.Event(id)[0]); !strings.Contains(refusal, `"code"`) {
					t.Errorf("Socket.IO responded with %s", refusal)
				}
				if publish(t, file, other.rtmpURL(room)).wait() == nil {
					t.Error("an encoder is accepted")
				}
			}
			if state.final {
				return
			}
			run(state.leave)
			if state.expires != nil {
				run(state.expires)
				eventually(t, "the ban has expired", func() bool {
					status, _ := user.do(http.MethodGet, "/api/user/info", nil, nil)
					return status == http.StatusOK
				})
			}
			user.signIn()
			user.connect("")
			if state.enter != nil {
				encoder = publish(t, file, other.rtmpURL(room), "-stream_loop", "-1")
			}
			eventually(t, "the live has a broadcast", func() bool { return user.read(room.Data.ID).Data.Media != nil })
			if encoder.over() {
				t.Error("the encoder is disconnected")
			}
		})
	}
}
