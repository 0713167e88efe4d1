package domain_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"roomlog/domain"
)

func TestCatalogueNames(t *testing.T) {
	commands, events := regexp.MustCompile(`^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$`), regexp.MustCompile(`^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*\.v[1-9][0-9]*$`)
	for _, spec := range domain.Commands {
		if !commands.MatchString(spec.Type) || spec.Zero.Type() != spec.Type {
			t.Errorf("%s is not the type of %T", spec.Type, spec.Zero)
		}
	}
	for _, spec := range domain.Events {
		if !events.MatchString(spec.Type) || spec.Zero.Type() != spec.Type {
			t.Errorf("%s is not the type of %T", spec.Type, spec.Zero)
		}
		for older := range spec.Upcasters {
			noun, _, _ := strings.Cut(spec.Type, ".v")
			if !strings.HasPrefix(older, noun+".v") || older == spec.Type {
				t.Errorf("%s is not an earlier version of %s", older, spec.Type)
			}
		}
	}
}

// personalFields are the JSON names of the fields that contain texts and images of users.
var personalFields = []string{"username", "nickname", "avatar", "title", "cover", "text", "reason", "email", "target_url", "sealed_key"}

// publicReasons are the events whose reason is not sealed. They concern no account, or an account whose key may be
// destroyed before the event is appended.
var publicReasons = []string{"gift.refunded.v2", "ticket.returned.v2", "correction.proposed.v1", "correction.rejected.v1", "share.set.v1", "payout.requested.v1", "payout.voided.v1", "connection.kicked.v1", "player.kicked.v1", "user.forgotten.v1", "participant.forgotten.v1", "chat_room.removed.v1",
	"viewer.unmuted.v1", "moderator.removed.v1", "live.mode_set.v1", "comment.removed.v1", "comments.cleared.v1", "comment.dropped.v1", "viewer.notified.v1", "report.decided.v1",
	"gift.repriced.v1", "gift.withdrawn.v1", "event.set_aside.v1", "live.status_changed.v1", "broadcast.stopped.v1", "recording.deleted.v1", "viewer.unbanned.v1", "webhook.added.v1", "webhook.changed.v1", "webhook.removed.v1", "webhook.replayed.v1"}

// TestEveryCommandAndEventIsInTheCatalogue fails for a type that has a decide or evolve method but is missing from the
// catalogue.
func TestEveryCommandAndEventIsInTheCatalogue(t *testing.T) {
	listed := map[string]bool{}
	for _, spec := range domain.Commands {
		listed[reflect.TypeOf(spec.Zero).Name()] = true
	}
	for _, spec := range domain.Events {
		listed[reflect.TypeOf(spec.Zero).Name()] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Name.Name != "decide" && f.Name.Name != "evolve" {
				continue
			}
			typ, ok := f.Recv.List[0].Type.(*ast.Ident)
			if !ok {
				t.Errorf("%s: %s has no plain receiver", name, f.Name.Name)
				continue
			}
			found++
			if list := map[string]string{"decide": "Commands", "evolve": "Events"}[f.Name.Name]; !listed[typ.Name] {
				t.Errorf("%s is not in the catalogue: add it to %s in domain/catalogue.go", typ.Name, list)
			}
		}
	}
	if found != len(listed) {
		t.Errorf("found %d commands and events in the code, want %d as in the catalogue", found, len(listed))
	}
}

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
					t.Fatalf("%v are not marked personal", want)
				}
				return
			}
			sample := reflect.ValueOf(e)
			changed, owner, texts := personal(e)
			if who := keyOwnerOf(e); owner == 0 || owner != who {
				t.Errorf("the texts belong to %d, want %d", owner, who)
			}
			if len(texts) != len(want) {
				t.Errorf("%d texts are marked, want %v", len(texts), want)
			}
			if got := changed(); !reflect.DeepEqual(got, e) {
				t.Errorf("the unchanged copy differs: %+v, want %v", got, e)
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
						t.Errorf("%s is not among the marked texts", name)
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

// keyOwnerOf returns the owner of the key that seals the texts of an event.
func keyOwnerOf(e domain.Event) domain.UserID {
	if by, ok := e.(domain.UserEvent); ok {
		return by.EventUser()
	}
	return domain.KeyOwner(0, domain.ParticipantID(reflect.ValueOf(e).FieldByName("Participant").Int()))
}

// words are the named string types whose values are ids or words of fixed lists. Such values are public.
var words = []reflect.Type{
	reflect.TypeFor[domain.Role](), reflect.TypeFor[domain.ConnectionID](), reflect.TypeFor[domain.BroadcastID](), reflect.TypeFor[domain.StopCause](),
	reflect.TypeFor[domain.PlayerID](), reflect.TypeFor[domain.RecordChoice](), reflect.TypeFor[domain.RecordingID](), reflect.TypeFor[domain.RecordingCause](),
	reflect.TypeFor[domain.LeaveCause](), reflect.TypeFor[domain.ChatRoomID](), reflect.TypeFor[domain.ChatProfile](), reflect.TypeFor[domain.MessageKind](),
	reflect.TypeFor[domain.OrderID](), reflect.TypeFor[domain.Account](),
}

// TestEveryTextHasAPrivacy fails for a text field of an event without an entry in Privacies, and for entries without a
// field.
func TestEveryTextHasAPrivacy(t *testing.T) {
	used := map[string]bool{}
	var check func(eventType string, struc reflect.Type, nested bool)
	check = func(eventType string, struc reflect.Type, nested bool) {
		for i := range struc.NumField() {
			f, inner := struc.Field(i), struc.Field(i).Type
			name := jsonName(f)
			if inner.Kind() == reflect.Slice {
				inner = inner.Elem()
			}
			if own := eventType + " " + name; domain.Privacies[own] != 0 {
				used[own] = true
			} else if domain.Privacies[name] != 0 {
				used[name] = true
			}
			privacy := domain.PrivacyOf(eventType, name)
			switch {
			case nested && privacy > domain.Public:
				t.Errorf("%s: the replay leaves out whole fields: %s must not be private inside of one", eventType, name)
			case inner.Kind() == reflect.Struct:
				check(eventType, inner, true)
			case inner.Kind() == reflect.String && !slices.Contains(words, inner) && privacy == 0:
				t.Errorf("%s: the text %s has no privacy: add it to Privacies in domain/catalogue.go", eventType, name)
			}
		}
	}
	for _, spec := range domain.Events {
		check(spec.Type, reflect.TypeOf(spec.Zero), false)
	}
	for name := range domain.Privacies {
		if !used[name] {
			t.Errorf("no event has the field %q of Privacies", name)
		}
	}
}

func TestIsPrivate(t *testing.T) {
	for _, spec := range domain.Events {
		for _, name := range textFields(reflect.TypeOf(spec.Zero)) {
			if !domain.IsPrivate(spec.Type, name) {
				t.Errorf("%s: every analyst reads the personal text %s: make it Private in Privacies in domain/catalogue.go", spec.Type, name)
			}
		}
	}
	for _, c := range []struct {
		event, field string
		want         bool
	}{
		{"user.signed_in.v1", "session", true},
		{"user.signed_out.v1", "session", true},
		{"user.registered.v1", "credential", true},
		{"live.created.v1", "stream_key", true},
		{"live.publish_key_set.v1", "publish_key", true},
		{"live.created.v1", "live", false},
		{"gift.sent.v2", "name", false},
	} {
		if got := domain.IsPrivate(c.event, c.field); got != c.want {
			t.Errorf("%s %s: got %v", c.event, c.field, got)
		}
	}
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

// TestFieldsOfEventsAreNamed checks that every field has a snake_case name: a field without a tag would get its Go name.
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

// TestEventMetadataMatchesThePayload checks that EventLive, EventUser and EventPostings return what the payload of the
// event contains. The log is filtered by these values.
func TestEventMetadataMatchesThePayload(t *testing.T) {
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
				t.Errorf("is a LiveEvent: %v, or has another live", ok)
			}
			who := fields.User + fields.Sender // at most one of the two fields is set
			if who == 0 {
				who = fields.Streamer
			}
			if by, ok := e.(domain.UserEvent); ok != (who != 0) || ok && by.EventUser() != who {
				t.Errorf("is a UserEvent: %v, want user %d", ok, who)
			}
			if coins, ok := e.(domain.CoinEvent); ok != (fields.Postings != nil) || ok && !slices.Equal(coins.EventPostings(), fields.Postings) {
				t.Errorf("is a CoinEvent: %v, or has other postings", ok)
			}
		})
	}
}

// TestServerFieldsOfCommands checks which fields of a command the server adds. These fields are not part of the
// command's JSON encoding. The log compares that encoding, and the fingerprint of the
// command if it has one, when an idempotency key is repeated.
func TestServerFieldsOfCommands(t *testing.T) {
	added := map[string][]string{
		"user.register": {"NameKey", "Credential", "LookalikeKey", "NicknameLookalikeKey"}, "user.change_profile": {"LookalikeKey", "Before"}, "user.sign_in": {"Session"}, "restream.set": {"URL", "Secret"}, "live.create": {"StreamKey", "Credential"}, "live.set_access": {"Credential"}, "live.enter_password": {"Credential"}, "invitation.create": {"Hash"}, "invitation.use": {"Hash"}, "live.set_publish_key": {"Hash"},
		"live.join": {"Node"}, "user.disable": {"Lives"}, "user.ban": {"Lives"}, "user.forget": {"Lives"}, "order.place": {"Coins", "Order"},
		"user.register_by_email": {"EmailKey", "Avatar"}, "chat_room.create": {"ChatRoom", "NameKey", "MaxChatRooms"}, "chat_room.remove": {"NameKey"}, "chat_room.expire": {"NameKey"},
		"participant.enter": {"NameKey", "Connection", "Profile", "Node"}, "participant.set_nickname": {"Participant", "NameKey", "PreviousKey"},
		"chat_room.join": {"Participant"}, "chat_room.leave": {"Participant"}, "participant.leave": {"NameKey"},
		"comment.remove": {"Author", "PostedAt"}, "comment.release": {"Author", "Text"}, "comment.drop": {"Author"}, "report.send": {"Author"}, "report.decide": {"Reporters"}, "upload.add": {"Upload", "Bytes", "Quota", "Files", "SHA256"}, "message.post": {"Participant", "Nickname", "UploadURLPrefix"}, "message.exchange": {"Participant", "Nickname", "UploadURLPrefix"},
		"gift.refund": {"Sent", "Received"}, "ticket.buy": {"Streamer"}, "ticket.refund": {"Streamer", "Position", "Received"}, "correction.propose": {"Limit", "Period", "Received"}, "correction.approve": {"Account", "Received"}, "payout.request": {"Received"}, "payout.capture": {"Streamer"}, "payout.void": {"Streamer"}, "recording.start": {"StreamKey"}, "recording.finish": {"StreamKey"},
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
			t.Errorf("%s: a server adds %v, want %v", spec.Type, hidden, added[spec.Type])
		}
	}
}
