package projections_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
	"roomlog/projections/projtest"
)

func TestDeltasOf(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057")
	at := time.Unix(1, 0)
	want := map[string]string{ // of events not named here nobody sees anything
		"comment.posted.v1":           "comment in 6 by 12",
		"gift.sent.v1":                "gift in 6 by 12, balance to 12",
		"viewer.joined.v1":            "join in 6 by 12",
		"viewer.left.v1":              "leave in 6 by 12",
		"viewer.moved.v1":             "(moved) in 6 by 12",
		"live.status_changed.v1":      "status in 6 by 12",
		"broadcast.started.v1":        "media in 6 by 12",
		"broadcast.stopped.v1":        "media in 6 by 12",
		"coins.credited.v1":           "balance to 12",
		"user.profile_changed.v1":     "profile to 12",
		"user.age_changed.v1":         "age to 12",
		"user.signed_in.v1":           "notice to 12",
		"user.signed_out.v1":          "notice to 12",
		"user.disabled.v1":            "notice to 12",
		"user.enabled.v1":             "notice to 12",
		"user.kicked.v1":              "notice to 12",
		"user.banned.v1":              "notice to 12",
		"user.unbanned.v1":            "notice to 12",
		"viewer.banned.v1":            "(moderation) in 6 by 12",
		"player.kicked.v1":            "(moderation) in 6 by 0",
		"connection.kicked.v1":        "(moderation) in 0 by 0",
		"user.role_granted.v1":        "notice to 12",
		"user.role_revoked.v1":        "notice to 12",
		"user.forgotten.v1":           "notice to 12",
		"chat_room.created.v1":        "chat: chat_room_created in [r] by 12 as 0",
		"chat_room.removed.v1":        "chat: chat_room_removed in [r] by 0 as 0",
		"participant.entered.v1":      "chat: participant_entered in [] by 12 as 3",
		"participant.nickname_set.v1": "chat: nickname_set in [] by 0 as 3",
		"chat_room.joined.v1":         "chat: chat_room_joined in [r] by 12 as 3",
		"chat_room.left.v1":           "chat: chat_room_left in [r] by 12 as 3",
		"participant.left.v1":         "chat: participant_left in [] by 12 as 3",
		"message.posted.v1":           "chat: message in [r s] by 12 as 3",
	}
	for _, spec := range domain.Events {
		rooms := `["r","s"]`
		if strings.HasPrefix(spec.Type, "room.") {
			rooms = "2" // how many there are
		}
		e, err := spec.Decode([]byte(`{"live":6,"user":12,"sender":12,"streamer":12,"participant":3,"chat_room":"r","chat_rooms":` + rooms + `}`))
		if err != nil {
			t.Fatal(err)
		}
		r := eventstore.Record{Position: 4711, ID: id, Event: e, RecordedAt: at}
		var got []string
		for _, d := range projections.DeltasOf(r) {
			if d.Position != 4711 || d.ID != "02099a8057" || !d.RecordedAt.Equal(at) || d.Event.Type() != spec.Type {
				t.Errorf("%s: %+v", spec.Type, d)
			}
			switch {
			case d.Chat():
				if d.Public() {
					t.Errorf("%s: is no live's", spec.Type)
				}
				got = append(got, fmt.Sprintf("chat: %s in %v by %d as %d", d.Kind, d.ChatRooms, d.User, d.Participant))
			case d.Recipient != 0:
				got = append(got, fmt.Sprintf("%s to %d", d.Kind, d.Recipient))
			case d.Public():
				got = append(got, fmt.Sprintf("%s in %d by %d", d.Kind, d.Live, d.User))
			default:
				got = append(got, fmt.Sprintf("(%s) in %d by %d", d.Kind, d.Live, d.User))
			}
		}
		if text := strings.Join(got, ", "); text != want[spec.Type] {
			t.Errorf("%s: %q, want %q", spec.Type, text, want[spec.Type])
		}
	}
}

// An event that no projection reads is a table that somebody forgot, unless it is named here.
func TestEveryEventIsRead(t *testing.T) {
	t.Parallel()
	unread := map[string]bool{
		"username.claimed.v1": true, // user.registered says the same
		// What doors do at once, and the log keeps for those who ask who did it and why.
		"user.kicked.v1": true, "connection.kicked.v1": true, "player.kicked.v1": true, "viewer.banned.v1": true, "viewer.unbanned.v1": true,
		"order.placed.v1": true, // what was never paid is nobody's business but the log's
		"order.paid.v1":   true, // coins.credited follows

		"chat_room.name_claimed.v1":  true, // room.created says the same
		"chat_room.name_released.v1": true, // room.removed says the same
		"nickname.claimed.v1":        true, // guest.entered and guest.named say the same
		"nickname.released.v1":       true, // guest.named and guest.left say the same
	}
	for _, spec := range domain.Events {
		readers := 0
		for _, p := range projections.All() {
			for _, h := range p.Handlers {
				if h.Type == spec.Type {
					readers++
				}
			}
		}
		if (readers == 0) != unread[spec.Type] {
			t.Errorf("%s has %d readers", spec.Type, readers)
		}
	}
}

func TestEveryTableHasOneWriter(t *testing.T) {
	t.Parallel()
	writers := map[string]int{"poison": 1, "projection": 1} // the projector itself
	names := make(map[string]bool)
	for _, p := range projections.All() {
		if names[p.Name] || p.Version < 1 {
			t.Errorf("%+v", p)
		}
		names[p.Name] = true
		for _, table := range p.Tables {
			writers[table]++
		}
	}
	w := projtest.New(t)
	for _, table := range projtest.Tables() {
		if writers[table] != 1 {
			t.Errorf("table %s has %d writers", table, writers[table])
		}
		delete(writers, table)
	}
	if len(writers) > 0 {
		t.Errorf("nobody tests %v", writers)
	}
	if n := w.Int("SELECT count(*) FROM pg_class WHERE relnamespace = 'read'::regnamespace AND relkind = 'r'"); n != int64(len(projtest.Tables())) {
		t.Errorf("there are %d tables, %d are known", n, len(projtest.Tables()))
	}
}

// Tables may not depend on how many events are folded at once.
func TestTablesDoNotDependOnTheSizeOfBatches(t *testing.T) {
	t.Parallel()
	w := projtest.New(t)
	c := projtest.NewCrowd(w, 6, 2)
	c.Act(8, 300)
	var first string
	for _, size := range []int{1, 7, 1000} {
		w.Empty()
		if err := projections.ProjectPlainly(t.Context(), w.Store, w.Pool, w.Head(), size); err != nil {
			t.Fatal(err)
		}
		switch dump := w.Dump("read"); {
		case first == "":
			first = dump
		case dump != first:
			t.Errorf("batches of %d lead to other rows than batches of 1", size)
		}
	}
	w.Verify()
}
