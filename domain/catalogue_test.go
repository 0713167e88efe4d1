package domain_test

import (
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"roomlog/domain"
)

func TestNamesInTheCatalogue(t *testing.T) {
	commands, events := regexp.MustCompile(`^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$`), regexp.MustCompile(`^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*\.v[1-9][0-9]*$`)
	for _, spec := range domain.Commands {
		if !commands.MatchString(spec.Type) || spec.Zero.Type() != spec.Type {
			t.Errorf("%s is no name for a %T", spec.Type, spec.Zero)
		}
	}
	for _, spec := range domain.Events {
		if !events.MatchString(spec.Type) || spec.Zero.Type() != spec.Type {
			t.Errorf("%s is no name for a %T", spec.Type, spec.Zero)
		}
		for older := range spec.Upcasters {
			noun, _, _ := strings.Cut(spec.Type, ".v")
			if !strings.HasPrefix(older, noun+".v") || older == spec.Type {
				t.Errorf("%s is no earlier version of %s", older, spec.Type)
			}
		}
	}
}

// The names under which a person's texts and pictures go. A name or an image is a gift's.
var personalFields = []string{"username", "nickname", "avatar", "title", "cover", "text", "reason", "email"}

// publicReasons are the events whose reason is not sealed: they concern nobody's account, or an account whose key
// may be destroyed before the event is appended.
var publicReasons = []string{"connection.kicked.v1", "player.kicked.v1", "user.forgotten.v1", "participant.forgotten.v1", "chat_room.removed.v1",
	"gift.repriced.v1", "gift.withdrawn.v1", "live.status_changed.v1", "broadcast.stopped.v1", "recording.deleted.v1", "viewer.unbanned.v1"}

func TestPersonalTextsAreMarked(t *testing.T) {
	specs := map[string]domain.EventSpec{}
	for _, spec := range domain.Events {
		specs[spec.Type] = spec
	}
	for _, e := range samples() {
		t.Run(e.Type(), func(t *testing.T) {
			want := textFields(reflect.TypeOf(e))
			if slices.Contains(publicReasons, e.Type()) {
				want = nil
			}
			personal := specs[e.Type()].Personal
			if personal == nil {
				if len(want) > 0 {
					t.Fatalf("%v are a person's and not marked personal", want)
				}
				return
			}
			sample := reflect.ValueOf(e)
			changed, owner, texts := personal(e)
			if who := doneBy(e); owner == 0 || owner != who {
				t.Errorf("the texts belong to %d, want %d", owner, who)
			}
			if len(texts) != len(want) {
				t.Errorf("%d texts are marked, want %v", len(texts), want)
			}
			if got := changed(); !reflect.DeepEqual(got, e) {
				t.Errorf("an untouched copy differs: %+v", got)
			}
			for _, text := range texts {
				if *text == "" {
					t.Errorf("a text of the copy is empty")
				}
				*text = "erased"
			}
			got := reflect.ValueOf(changed())
			for i := range got.NumField() {
				name := jsonName(got.Type().Field(i))
				if slices.Contains(want, name) {
					if got.Field(i).String() != "erased" {
						t.Errorf("%s was not changed through what is marked", name)
					}
				} else if !reflect.DeepEqual(got.Field(i).Interface(), sample.Field(i).Interface()) {
					t.Errorf("%s was changed", name)
				}
				if got.Type().Field(i).Type.Kind() == reflect.String && sample.Field(i).String() == "erased" {
					t.Errorf("%s of the original was changed", name)
				}
			}
			if slices.ContainsFunc(samples(), func(s domain.Event) bool { return s.Type() == e.Type() && !reflect.DeepEqual(s, e) }) {
				t.Error("the original was changed")
			}
		})
	}
}

// doneBy answers whose doing an event is: a person's, or else a guest's.
func doneBy(e domain.Event) domain.UserID {
	if by, ok := e.(domain.UserEvent); ok {
		return by.EventUser()
	}
	return domain.KeyOwner(0, domain.ParticipantID(reflect.ValueOf(e).FieldByName("Participant").Int()))
}

func textFields(e reflect.Type) []string {
	var names []string
	for i := range e.NumField() {
		name := jsonName(e.Field(i))
		if e.Field(i).Type == reflect.TypeFor[string]() && slices.Contains(personalFields, name) {
			names = append(names, name)
		}
	}
	return names
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// Every field is written and named in snake_case: a field without a name would be one by accident.
func TestFieldsOfEventsAreNamed(t *testing.T) {
	snake := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	for _, spec := range domain.Events {
		e := reflect.TypeOf(spec.Zero)
		for i := range e.NumField() {
			f := e.Field(i)
			if !f.IsExported() || !snake.MatchString(jsonName(f)) || strings.Contains(f.Tag.Get("json"), "omit") {
				t.Errorf("%s: %s is written as %q", spec.Type, f.Name, f.Tag.Get("json"))
			}
		}
	}
}

// What an event says of itself, for those who read the log by room, by person or by account, is what
// its payload says.
func TestWhatEventsSayOfThemselves(t *testing.T) {
	for _, e := range samples() {
		t.Run(e.Type(), func(t *testing.T) {
			payload, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			var fields struct {
				Live                   domain.LiveID
				User, Sender, Streamer domain.UserID
				Postings               []domain.Posting
			}
			if err := json.Unmarshal(payload, &fields); err != nil {
				t.Fatal(err)
			}
			if in, ok := e.(domain.LiveEvent); ok != (fields.Live != 0) || ok && in.EventLive() != fields.Live {
				t.Errorf("happened in a room: %v", ok)
			}
			who := fields.User + fields.Sender // never both
			if who == 0 {
				who = fields.Streamer
			}
			if by, ok := e.(domain.UserEvent); ok != (who != 0) || ok && by.EventUser() != who {
				t.Errorf("done by a person: %v, want %d", ok, who)
			}
			if coins, ok := e.(domain.CoinEvent); ok != (fields.Postings != nil) || ok && !slices.Equal(coins.EventPostings(), fields.Postings) {
				t.Errorf("moves coins: %v", ok)
			}
		})
	}
}

// What a door adds is not part of a command's JSON form, and what a client sends is: the same key
// with another body is recognised by it.
func TestWhatACommandIsMadeOf(t *testing.T) {
	added := map[string][]string{
		"user.register": {"NameKey", "Credential"}, "user.sign_in": {"Session"}, "live.create": {"StreamKey"},
		"live.join": {"Node"}, "user.disable": {"Lives"}, "user.ban": {"Lives"}, "user.forget": {"Lives"}, "order.place": {"Coins", "Order"},
		"user.register_by_email": {"EmailKey", "Avatar"}, "chat_room.create": {"ChatRoom", "NameKey", "MaxChatRooms"}, "chat_room.remove": {"NameKey"},
		"participant.enter": {"NameKey", "Connection", "Profile", "Node"}, "participant.set_nickname": {"Participant", "NameKey", "PreviousKey"},
		"chat_room.join": {"Participant"}, "chat_room.leave": {"Participant"}, "participant.leave": {"NameKey"},
		"message.post": {"Participant", "Nickname", "UploadURLPrefix"},
	}
	for _, spec := range domain.Commands {
		var hidden []string
		c := reflect.TypeOf(spec.Zero)
		for i := range c.NumField() {
			if name := jsonName(c.Field(i)); name == "-" {
				hidden = append(hidden, c.Field(i).Name)
			} else if name == "" {
				t.Errorf("%s: %s has no name", spec.Type, c.Field(i).Name)
			}
		}
		if !slices.Equal(hidden, added[spec.Type]) {
			t.Errorf("%s: a door adds %v, want %v", spec.Type, hidden, added[spec.Type])
		}
	}
}
