package projections_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

func TestDeltasOf(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057")
	at := time.Unix(1, 0)
	// event types that newer versions add may be missing here
	want := map[string]string{
		"comment.posted.v1":           "comment in 6 by 12",
		"gift.sent.v2":                "gift in 6 by 12, balance to 12",
		"gift.refunded.v2":            "refund in 6 by 12, balance to 12",
		"coins.corrected.v1":          "balance to 12",
		"viewer.joined.v1":            "join in 6 by 12",
		"viewer.left.v1":              "leave in 6 by 12",
		"viewer.moved.v1":             "(moved) in 6 by 12",
		"live.status_changed.v1":      "status in 6 by 12",
		"broadcast.started.v1":        "media in 6 by 12",
		"broadcast.stopped.v1":        "media in 6 by 12",
		"coins.credited.v1":           "balance to 12",
		"user.profile_changed.v1":     "viewer_profile in 0 by 12, profile to 12",
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

		"user.registered.v1":         "",
		"username.claimed.v1":        "",
		"user.email_added.v1":        "",
		"email.claimed.v1":           "",
		"viewer.unbanned.v1":         "",
		"live.created.v1":            "",
		"live.recording_set.v1":      "",
		"recording.started.v1":       "",
		"recording.finished.v1":      "",
		"recording.deleted.v1":       "",
		"gift.added.v1":              "",
		"gift.repriced.v1":           "",
		"gift.withdrawn.v1":          "",
		"order.placed.v1":            "",
		"order.paid.v1":              "",
		"participant.forgotten.v1":   "",
		"chat_room.name_claimed.v1":  "",
		"chat_room.name_released.v1": "",
		"nickname.claimed.v1":        "",
		"nickname.released.v1":       "",
	}
	for _, spec := range domain.Events {
		e, err := spec.Decode([]byte(`{"live":6,"user":12,"sender":12,"streamer":12,"participant":3,"chat_room":"r","chat_rooms":["r","s"]}`))
		if err != nil {
			t.Fatal(err)
		}
		r := eventstore.Record{Position: 4711, ID: id, Event: e, RecordedAt: at}
		var got []string
		for _, d := range projections.DeltasOf(r) {
			if d.Position != 4711 || d.ID != "02099a8057" || !d.RecordedAt.Equal(at) || d.Event.Type() != spec.Type {
				t.Errorf("%s: got %+v", spec.Type, d)
			}
			switch {
			case d.Chat():
				if d.Public() {
					t.Errorf("%s: a delta of the chat is public", spec.Type)
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
		if want, listed := want[spec.Type]; listed && strings.Join(got, ", ") != want {
			t.Errorf("%s: %q, want %q", spec.Type, strings.Join(got, ", "), want)
		}
	}
}

func TestEveryEventHasAnEntryInTheDeltaTable(t *testing.T) {
	t.Parallel()
	entries := make(map[string]int)
	for _, s := range projections.DeltaSpecs() {
		entries[s.Event]++
		if (s.Audience == projections.AudienceNone) != (s.Kind == "") {
			t.Errorf("%s: audience %d with kind %q", s.Event, s.Audience, s.Kind)
		}
		if s.Payload != nil && s.Summary == "" {
			t.Errorf("%s: kind %s has no summary", s.Event, s.Kind)
		}
	}
	for _, spec := range domain.Events {
		if entries[spec.Type] == 0 {
			t.Errorf("%s has no entry: add one to DeltaSpecs in projections/deltatable.go (toNobody if no client receives it)", spec.Type)
		}
		delete(entries, spec.Type)
	}
	for event := range entries {
		t.Errorf("%s has an entry in projections/deltatable.go, but domain/catalogue.go does not list it", event)
	}
}

func TestPayloadsHaveTheTypesOfTheDeltaTable(t *testing.T) {
	t.Parallel()
	types := make(map[string]reflect.Type)
	for _, s := range projections.DeltaSpecs() {
		types[fmt.Sprint(s.Event, s.Audience)] = s.Payload
	}
	for _, spec := range domain.Events {
		for _, d := range projections.DeltasOf(eventstore.Record{ID: uuid.New(), Event: spec.Zero}) {
			want := types[fmt.Sprint(spec.Type, d.Audience)]
			if got := d.Payload(); (got == nil) != (want == nil) || got != nil && reflect.TypeOf(got) != want {
				t.Errorf("%s has a payload %T, want %v", spec.Type, got, want)
			}
		}
	}
}
