package serve

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/projections/projtest"
)

// TestCleanerNeedsCurrentTables checks that nothing is removed as unused if an event that uses it is not in the tables
// yet.
func TestCleanerNeedsCurrentTables(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	stop := w.Project()
	user := w.Register("anna")
	used := domain.UploadID(strings.Repeat("a", 32) + ".png")
	user.Send(domain.AddUpload{Upload: used, Bytes: 1, Quota: 100, Files: 10})
	user.Send(domain.CreateChatRoom{ChatRoom: domain.ChatRoomID(strings.Repeat("b", 24)), Name: "talk", NameKey: "talk", MaxChatRooms: 9})
	w.CatchUp()
	stop()
	user.Send(domain.CreateLive{Title: "show", Cover: "/uploads/" + string(used), StreamKey: "L3V8KhRHin40gNug58zy"})
	later := func() time.Time { return time.Now().Add(time.Hour) }
	c := &cleaner{
		queries: w.Queries, log: slog.New(slog.DiscardHandler), now: later,
		rooms:   &unusedRooms{chatRoomSettings{time.Minute, time.Minute}, w.Store, w.Queries, w.Sequencer, later},
		uploads: &unusedUploads{uploadSettings{time.Minute}, w.Queries, w.Sequencer, later},
	}
	removed := func() string {
		t.Helper()
		return w.Text("SELECT coalesce(string_agg(type, ' '), '') FROM public.events WHERE type IN ('upload.deleted.v1', 'chat_room.removed.v1')")
	}
	if c.removeUnused(t.Context()); removed() != "" {
		t.Errorf("tables that are an hour behind: %s", removed())
	}
	w.Project()
	w.CatchUp()
	if c.removeUnused(t.Context()); removed() != "chat_room.removed.v1" {
		t.Errorf("current tables: %s", removed())
	}
}
