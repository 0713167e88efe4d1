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
		domain.UserDisabled{User: 12},
		domain.UserEnabled{User: 12},
		domain.UserRoleGranted{User: 12, Role: domain.RoleAuditor},
		domain.UserRoleRevoked{User: 12, Role: domain.RoleAuditor},
		domain.UserForgotten{User: 12},
		domain.UserKicked{User: 12, Reason: "no advertising, please"},
		domain.ConnectionKicked{Connection: "7b0c91d2-41", Reason: "flooding"},
		domain.UserDenied{User: 12, Until: 1795266000, Reason: "一小时后再来"},
		domain.UserAllowed{User: 12},
		domain.NameClaimed{Key: "9f86d081884c7d65", User: 12},
		domain.UserSignedIn{User: 12, Session: "0198c0de-0000-4000-8000-000000000001"},
		domain.UserSignedOut{User: 12, Session: "0198c0de-0000-4000-8000-000000000001"},
		domain.LiveCreated{Live: 6, Streamer: 7, Title: "Evening songs <3", Cover: "https://example.org/songs.png", Key: key},
		domain.LiveStatusChanged{Live: 6, Streamer: 7, From: domain.StatusOnAir, To: domain.StatusPaused},
		domain.ViewerDenied{Live: 6, User: 12, From: 1795262400, Until: 1795266000, Reason: "be kind"},
		domain.ViewerAllowed{Live: 6, User: 12},
		domain.LivePublishStarted{Live: 6, Streamer: 7, Show: "MZXW6YTBOI3DAMBQ", Process: "0198c0de-0000-4000-8000-0000000000aa",
			Picture: domain.Picture{Video: "h264", Width: 1920, Height: 1080, Audio: "aac"}},
		domain.LivePublishStopped{Live: 6, Streamer: 7, Show: "MZXW6YTBOI3DAMBQ", Reason: domain.PublishKicked, Note: "not for children", Bytes: 1 << 33},
		domain.LiveRecordingSet{Live: 6, Streamer: 7, Record: domain.RecordOn},
		domain.RecordingStarted{Live: 6, Streamer: 7, Recording: "MZXW6YTBOI3DAMBQ"},
		domain.RecordingFinished{Live: 6, Streamer: 7, Recording: "MZXW6YTBOI3DAMBQ", Reason: "lost", Began: noon, Ended: noon.Add(time.Hour), Length: 3_600_000, Bytes: 1 << 33,
			Parts: []domain.RecordingPart{{File: "1.mp4", Began: noon, Length: 3_600_000, Bytes: 1 << 33, Picture: domain.Picture{Video: "h264", Width: 1920, Height: 1080, Audio: "aac"}}}},
		domain.RecordingDeleted{Live: 6, Streamer: 7, Recording: "MZXW6YTBOI3DAMBQ", Reason: "quota"},
		domain.ViewerJoined{Live: 6, User: 12, First: true, Process: "0198c0de-0000-4000-8000-0000000000aa"},
		domain.ViewerMoved{Live: 6, User: 12, Process: "0198c0de-0000-4000-8000-0000000000bb"},
		domain.ViewerLeft{Live: 6, User: 12, Cause: domain.LeftConnectionLost},
		domain.CommentPosted{Live: 6, User: 12, Text: "晚上好 😀 & \"hello\""},
		domain.UserEmailAdded{User: 12, Email: "Zoe@example.org"},
		domain.EmailClaimed{Key: "9f86d081884c7d65", User: 12},
		domain.RoomCreated{Room: room, Name: "demo <3", NameKey: "5e884898da280471", User: 12, Rooms: 3},
		domain.RoomNameClaimed{Key: "5e884898da280471", Room: room},
		domain.RoomRemoved{Room: room, Rooms: 2},
		domain.RoomNameFreed{Key: "5e884898da280471", Room: room},
		domain.GuestEntered{Guest: 17, Connection: "gq9CpqF5jgDa6Zf_AAAB", Profile: domain.ChatPlain, User: 12, Nickname: "小明", NameKey: "2c26b46b68ffc68f", Process: "0198c0de-0000-4000-8000-0000000000aa"},
		domain.GuestNamed{Guest: 17, Connection: "gq9CpqF5jgDa6Zf_AAAB", Nickname: "小红", NameKey: "fcde2b2edba56bf4"},
		domain.NicknameTaken{Key: "2c26b46b68ffc68f", Guest: 17},
		domain.NicknameFreed{Key: "2c26b46b68ffc68f", Guest: 17},
		domain.GuestJoined{Guest: 17, Connection: "gq9CpqF5jgDa6Zf_AAAB", User: 12, Room: room},
		domain.GuestParted{Guest: 17, Connection: "gq9CpqF5jgDa6Zf_AAAB", User: 12, Room: room, Cause: domain.LeftAsked},
		domain.GuestLeft{Guest: 17, Connection: "gq9CpqF5jgDa6Zf_AAAB", User: 12, Cause: domain.LeftProcessLost},
		domain.GuestForgotten{Guest: 17},
		domain.MessagePosted{
			Guest: 17, Connection: "gq9CpqF5jgDa6Zf_AAAB", User: 12, Nickname: "小明", Kind: domain.MessageVoice,
			Text: "https://example.org/uploads/0123456789abcdef0123456789abcdef.ogg", MS: 1500,
			Rooms: []domain.RoomID{room}, To: 7, ToGuest: 18, ToConnection: "rT7bd9xWZ2yLk0uQAAAC",
		},
		domain.OrderPlaced{Order: "O1", User: 12, Price: 6, Coins: 60},
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
		domain.GiftListed{Gift: 3, Name: "rose", Image: "https://example.org/rose.png", Price: 30},
		domain.GiftRepriced{Gift: 3, From: 30, To: 50},
		domain.GiftWithdrawn{Gift: 3},
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
		for older, upcast := range spec.Older {
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
