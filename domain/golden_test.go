package domain_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"roomlog/domain"
)

var update = flag.Bool("update", false, "write the golden files that are missing; those that exist are facts")

const golden = "testdata/events"

// samples are the events that the golden files of their present versions hold: no field empty.
func samples() []domain.Event {
	return []domain.Event{
		domain.UserRegistered{User: 12, Username: "zoe", Nickname: "Zoë 🌹", Avatar: "https://example.org/zoe.png?x=1&y=2", NameKey: "9f86d081884c7d65", Credential: "0198c0de-0000-7000-8000-000000000012"},
		domain.UserProfileChanged{User: 12, Nickname: "佐伊", Avatar: "https://example.org/zoe2.png"},
		domain.UserAgeChanged{User: 12, Age: 31},
		domain.UserDisabled{User: 12, Reason: "spam"},
		domain.UserEnabled{User: 12, Reason: "promised to behave"},
		domain.UserRoleGranted{User: 12, Role: domain.RoleAuditor, Reason: "yearly audit"},
		domain.UserRoleRevoked{User: 12, Role: domain.RoleAuditor, Reason: "audit finished"},
		domain.UserForgotten{User: 12, Reason: "request 4711"},
		domain.UserKicked{User: 12, Reason: "no advertising, please"},
		domain.ConnectionKicked{Connection: "7b0c91d2-41", Reason: "flooding"},
		domain.UserBanned{User: 12, Until: 1795266000, Reason: "一小时后再来"},
		domain.UserUnbanned{User: 12, Reason: "appeal accepted"},
		domain.UsernameClaimed{Key: "9f86d081884c7d65", User: 12},
		domain.UserSignedIn{User: 12, Session: "0198c0de-0000-4000-8000-000000000001"},
		domain.UserSignedOut{User: 12, Session: "0198c0de-0000-4000-8000-000000000001"},
		domain.LiveCreated{Live: 6, Streamer: 7, Title: "Evening songs <3", Cover: "https://example.org/songs.png", StreamKey: key},
		domain.LiveStatusChanged{Live: 6, Streamer: 7, From: domain.StatusOnAir, To: domain.StatusPaused, Reason: "technical problems"},
		domain.ViewerBanned{Live: 6, User: 12, From: 1795262400, Until: 1795266000, Reason: "be kind"},
		domain.ViewerUnbanned{Live: 6, User: 12, Reason: "apologized"},
		domain.BroadcastStarted{Live: 6, Streamer: 7, Broadcast: "MZXW6YTBOI3DAMBQ", Node: "0198c0de-0000-4000-8000-0000000000aa",
			Media: domain.MediaInfo{Video: "h264", Width: 1920, Height: 1080, Audio: "aac"}},
		domain.BroadcastStopped{Live: 6, Streamer: 7, Broadcast: "MZXW6YTBOI3DAMBQ", Cause: domain.StopKicked, Reason: "not for children", Bytes: 1 << 33},
		domain.PlayerKicked{Live: 6, Player: "p-0198c0de-17", Reason: "too many connections"},
		domain.LiveRecordingSet{Live: 6, Streamer: 7, Record: domain.RecordOn},
		domain.RecordingStarted{Live: 6, Streamer: 7, Recording: "MZXW6YTBOI3DAMBQ"},
		domain.RecordingFinished{Live: 6, Streamer: 7, Recording: "MZXW6YTBOI3DAMBQ", Cause: "lost", StartedAt: noon, EndedAt: noon.Add(time.Hour), DurationMS: 3_600_000, Bytes: 1 << 33,
			Parts: []domain.RecordingPart{{File: "1.mp4", StartedAt: noon, DurationMS: 3_600_000, Bytes: 1 << 33, Media: domain.MediaInfo{Video: "h264", Width: 1920, Height: 1080, Audio: "aac"}}}},
		domain.RecordingDeleted{Live: 6, Streamer: 7, Recording: "MZXW6YTBOI3DAMBQ", Cause: "quota", Reason: "space needed"},
		domain.ViewerJoined{Live: 6, User: 12, FirstVisit: true, Node: "0198c0de-0000-4000-8000-0000000000aa"},
		domain.ViewerMoved{Live: 6, User: 12, Node: "0198c0de-0000-4000-8000-0000000000bb"},
		domain.ViewerLeft{Live: 6, User: 12, Cause: domain.LeaveConnectionLost},
		domain.CommentPosted{Live: 6, User: 12, Text: "晚上好 😀 & \"hello\""},
		domain.UserEmailAdded{User: 12, Email: "Zoe@example.org"},
		domain.EmailClaimed{Key: "9f86d081884c7d65", User: 12},
		domain.ChatRoomCreated{ChatRoom: room, Name: "demo <3", NameKey: "5e884898da280471", User: 12, Total: 3},
		domain.ChatRoomNameClaimed{Key: "5e884898da280471", ChatRoom: room},
		domain.ChatRoomRemoved{ChatRoom: room, Total: 2, Reason: "unused"},
		domain.ChatRoomNameReleased{Key: "5e884898da280471", ChatRoom: room},
		domain.ParticipantEntered{Participant: 17, Connection: "gq9CpqF5jgDa6Zf_AAAB", Profile: domain.ProfilePlain, User: 12, Nickname: "小明", NameKey: "2c26b46b68ffc68f", Node: "0198c0de-0000-4000-8000-0000000000aa"},
		domain.NicknameSet{Participant: 17, Connection: "gq9CpqF5jgDa6Zf_AAAB", Nickname: "小红", NameKey: "fcde2b2edba56bf4"},
		domain.NicknameClaimed{Key: "2c26b46b68ffc68f", Participant: 17},
		domain.NicknameReleased{Key: "2c26b46b68ffc68f", Participant: 17},
		domain.ChatRoomJoined{Participant: 17, Connection: "gq9CpqF5jgDa6Zf_AAAB", User: 12, ChatRoom: room},
		domain.ChatRoomLeft{Participant: 17, Connection: "gq9CpqF5jgDa6Zf_AAAB", User: 12, ChatRoom: room, Cause: domain.LeaveRequested},
		domain.ParticipantLeft{Participant: 17, Connection: "gq9CpqF5jgDa6Zf_AAAB", User: 12, Cause: domain.LeaveNodeLost},
		domain.ParticipantForgotten{Participant: 17, Reason: "request 4712"},
		domain.MessagePosted{
			Participant: 17, Connection: "gq9CpqF5jgDa6Zf_AAAB", User: 12, Nickname: "小明", Kind: domain.MessageVoice,
			Text: "https://example.org/uploads/0123456789abcdef0123456789abcdef.ogg", DurationMS: 1500,
			ChatRooms: []domain.ChatRoomID{room}, ToUser: 7, ToParticipant: 18, ToConnection: "rT7bd9xWZ2yLk0uQAAAC",
		},
		domain.OrderPlaced{Order: "O1", User: 12, Price: 6, Coins: 60, Reason: "refund of O0"},
		domain.OrderPaid{Order: "O1", User: 12, Price: 6},
		domain.CoinsCredited{User: 12, Order: "O1", Coins: 60, BalanceAfter: 100, Postings: []domain.Posting{
			{Account: "provider", Amount: -60}, {Account: "user-12", Amount: 60},
		}},
		domain.GiftSent{
			Sender: 12, Streamer: 7, Live: 6, Gift: 3, Name: "rose", Image: "https://example.org/rose.png",
			Price: 30, Num: 3, Coins: 90, BalanceAfter: 10, Postings: []domain.Posting{
				{Account: "user-12", Amount: -90}, {Account: "earnings-7", Amount: 90},
			},
		},
		domain.GiftAdded{Gift: 3, Name: "rose", Image: "https://example.org/rose.png", Price: 30},
		domain.GiftRepriced{Gift: 3, From: 30, To: 50, Reason: "season"},
		domain.GiftWithdrawn{Gift: 3, Reason: "replaced by gift 4"},
	}
}

func goldenFile(typ string) string { return filepath.Join(golden, typ+".json") }

// Whatever was once written stays readable as what it meant.
func TestGoldenEvents(t *testing.T) {
	sample := map[string]domain.Event{}
	for _, e := range samples() {
		if isNothing(reflect.ValueOf(e)) {
			t.Errorf("the sample of %s leaves a field empty: %+v", e.Type(), e)
		}
		sample[e.Type()] = e
	}
	known := map[string]bool{}
	for _, spec := range domain.Events {
		known[spec.Type] = true
		t.Run(spec.Type, func(t *testing.T) {
			want, ok := sample[spec.Type]
			if !ok {
				t.Fatal("has no sample: add one, and go test ./domain -run Golden -update")
			}
			payload := readGolden(t, spec.Type, want)
			got, err := spec.Decode(payload)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("decoded\n\t%+v (%v)\nwant\n\t%+v", got, err, want)
			}
			again, err := json.Marshal(got)
			if err != nil || !bytes.Equal(again, payload) {
				t.Fatalf("encoded again\n\t%s (%v)\nwant\n\t%s", again, err, payload)
			}
		})
		for older, upcast := range spec.Upcasters {
			known[older] = true
			t.Run(older, func(t *testing.T) {
				payload, err := upcast(readGolden(t, older, nil))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := spec.Decode(payload); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
	files, err := os.ReadDir(golden)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !known[strings.TrimSuffix(f.Name(), ".json")] {
			t.Errorf("%s: nobody can read this event any more", f.Name())
		}
	}
}

// readGolden answers the payload that the golden file of typ holds, in the form it has in the log.
// With -update a file that does not exist is written from e; one that exists never is.
func readGolden(t *testing.T, typ string, e domain.Event) []byte {
	t.Helper()
	if _, err := os.Stat(goldenFile(typ)); *update && e != nil && errors.Is(err, fs.ErrNotExist) {
		b, err := json.MarshalIndent(e, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(goldenFile(typ), append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(goldenFile(typ))
	if err != nil {
		t.Fatalf("every type has a golden file: %v", err)
	}
	var payload bytes.Buffer
	if err := json.Compact(&payload, b); err != nil {
		t.Fatal(err)
	}
	return payload.Bytes()
}

// isNothing says whether any field of a struct, however deep, is its zero value.
func isNothing(v reflect.Value) bool {
	if at, is := v.Interface().(time.Time); is {
		return at.IsZero()
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if isNothing(v.Field(i)) {
				return true
			}
		}
		return false
	case reflect.Slice:
		for i := range v.Len() {
			if isNothing(v.Index(i)) {
				return true
			}
		}
		return v.Len() == 0
	default:
		return v.IsZero()
	}
}
