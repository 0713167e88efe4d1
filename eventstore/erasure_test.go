package eventstore_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

// textsOf returns the personal texts of events, as a reader gets them.
func textsOf(events []eventstore.Record) []string {
	var texts []string
	for _, r := range events {
		switch e := r.Event.(type) {
		case domain.UserRegistered:
			texts = append(texts, e.Username, e.Nickname, e.Avatar)
		case domain.UserProfileChanged:
			texts = append(texts, e.Nickname, e.Avatar)
		case domain.LiveCreated:
			texts = append(texts, e.Title, e.Cover)
		case domain.CommentPosted:
			texts = append(texts, e.Text)
		}
	}
	return texts
}

// userWithTexts creates a user with personal texts in many events.
func (l *testLog) userWithTexts() (who testUser, credential uuid.UUID) {
	l.t.Helper()
	credential = uuid.New()
	if _, err := l.db.Owner.Exec(context.Background(), "INSERT INTO credential VALUES ($1, 'hash', now())", credential); err != nil {
		l.t.Fatal(err)
	}
	r := l.execute(domain.Request{Command: domain.RegisterUser{
		Username: "secret-name", Nickname: "secret-nick", Avatar: "https://x/secret-face.png",
		NameKey: l.store.NameKey("secret-name"), Credential: credential.String(),
	}})
	who = l.signIn(r.Events[0].Event.(domain.UserRegistered).User, "s")
	l.execute(who.request(domain.ChangeProfile{Nickname: new("secret-change"), Avatar: new("https://x/secret-mask.png")}))
	live := l.execute(who.request(domain.CreateLive{Title: "secret-title", Cover: "https://x/secret-cover.png", StreamKey: strings.Repeat("k", 20)})).
		Events[0].Event.(domain.LiveCreated).Live
	l.execute(who.request(domain.ChangeLiveStatus{Live: live, To: domain.LivePlay}))
	l.execute(who.keyedRequest("k", domain.PostComment{Live: live, Text: "secret-words"}))
	return who, credential
}

func TestPersonalTextsAreEncryptedInTheDatabase(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t) // a server of its own, into which no other test writes
	db := server.Open()
	l := openLog(t, db, eventstore.SequencerConfig{SnapshotEvery: 1})
	l.userWithTexts()
	for _, text := range textsOf(l.all()) {
		if !strings.Contains(text, "secret-") {
			t.Errorf("%q cannot be read as it was written", text)
		}
	}
	if _, err := db.Owner.Exec(t.Context(), "CHECKPOINT"); err != nil {
		t.Fatal(err)
	}
	// Searches all files: tables, indexes and the write-ahead log.
	found := 0 // number of files that contain the log
	err := filepath.WalkDir(filepath.Dir(filepath.Dir(socketOf(t, db))), func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // PostgreSQL deletes files meanwhile
		}
		b, err := os.ReadFile(path)
		if err == nil && bytes.Contains(b, []byte("secret-")) {
			t.Errorf("a personal text is in %s", path)
		}
		if err == nil && bytes.Contains(b, []byte("comment.posted.v1")) {
			found++
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Fatalf("the log itself is in %d files, %v", found, err)
	}
}

func TestTextsOfAForgottenUserAreErasedForAllReaders(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l := openLog(t, db, eventstore.SequencerConfig{})
	other := openStore(t, db, eventstore.Config{Now: time.Now}) // a process that only reads and does not call Listen
	who, credential := l.userWithTexts()
	bystander := l.register("bystander")
	first := len(textsOf(l.all()))
	if got := textsOf(other.all()); len(got) != first || got[0] != "secret-name" {
		t.Fatalf(`the other process reads %q, want %v elements, got[0] "secret-name"`, got, first)
	}
	l.do(domain.ForgetUser{User: who.id})
	for where, reader := range map[string]*testLog{"this process": l, "another that had the key": other, "a new one": openStore(t, db, eventstore.Config{Now: time.Now})} {
		events := reader.all()
		for _, text := range textsOf(events)[:first-3] {
			if text != eventstore.ErasedText {
				t.Errorf("%s reads %q, want %v", where, text, eventstore.ErasedText)
			}
		}
		if got := textsOf(events)[first-3:]; got[0] != "bystander" {
			t.Errorf(`%s reads %q of somebody else, want got[0] "bystander"`, where, got)
		}
	}
	for name, count := range map[string]string{
		"keys":        "SELECT count(*) FROM user_key WHERE user_id = 1",
		"credentials": "SELECT count(*) FROM credential WHERE id = '" + credential.String() + "'",
	} {
		var n int
		if err := db.Owner.QueryRow(t.Context(), count).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d %s are left, %v, want 0", n, name, err)
		}
	}
	l.refused(who.request(domain.ChangeProfile{Nickname: new("back again")}), domain.CodeUserUnavailable)
	l.execute(bystander.request(domain.ChangeProfile{Nickname: new("still here")}))
	l.verified()
}

// TestPasswordsOfLivesAreErasedWithTheirOwner forgets the owner of two lives with passwords. An older program has set one of
// the passwords. The password of another user's live stays.
func TestPasswordsOfLivesAreErasedWithTheirOwner(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	ann, bob := l.register("ann"), l.register("bob")
	var hashes [3]uuid.UUID
	var lives [3]domain.LiveID
	for i, who := range []testUser{ann, ann, bob} {
		hashes[i] = uuid.New()
		if _, err := l.db.Owner.Exec(t.Context(), "INSERT INTO credential VALUES ($1, 'hash', now())", hashes[i]); err != nil {
			t.Fatal(err)
		}
		lives[i] = l.execute(who.request(domain.CreateLive{Title: "songs", StreamKey: strings.Repeat("k", 20)})).Events[0].Event.(domain.LiveCreated).Live
		if i > 0 {
			l.execute(who.request(domain.SetAccess{Live: lives[i], Access: domain.AccessPassword, Credential: hashes[i].String()}))
		}
	}
	if _, err := l.db.Owner.Exec(t.Context(), `INSERT INTO events
		SELECT max(position) + 1, $1, 2, gen_random_uuid(), 'live.access_set.v1', json_build_object('live', $2::bigint, 'access', 'password', 'credential', $3::text), '{"actor":"operator"}', $2::bigint, now()
		FROM events`, domain.LiveCreated{Live: lives[0]}.Stream(), lives[0], hashes[0].String()); err != nil {
		t.Fatal(err)
	}
	l.do(domain.ForgetUser{User: ann.id})
	var left []uuid.UUID
	if err := l.db.Owner.QueryRow(t.Context(), "SELECT array_agg(id) FROM credential WHERE hash = 'hash'").Scan(&left); err != nil || !slices.Equal(left, hashes[2:]) {
		t.Errorf("the hashes %v are left of %v, %v, want the last one", left, hashes, err)
	}
}

// TestEveryReaderNoticesThatAnotherProcessForgotAUser checks that every method that reads events looks for forgotten
// users.
func TestEveryReaderNoticesThatAnotherProcessForgotAUser(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l := openLog(t, db, eventstore.SequencerConfig{})
	for name, read := range map[string]func(s *eventstore.Store, who testUser) ([]eventstore.Record, error){
		"Read": func(s *eventstore.Store, who testUser) ([]eventstore.Record, error) {
			page, err := s.Read(t.Context(), eventstore.Query{Types: []string{"user.registered.v1"}, User: who.id})
			return page.Events, err
		},
		"ReadStream": func(s *eventstore.Store, who testUser) ([]eventstore.Record, error) {
			return s.ReadStream(t.Context(), "user-"+domain.Stream(rune('0'+who.id)), 0, 1)
		},
		"Follow": func(s *eventstore.Store, who testUser) (events []eventstore.Record, err error) {
			follow(t, s, 0, func(r eventstore.Record) bool {
				e, ok := r.Event.(domain.UserRegistered)
				if ok && e.User == who.id {
					events = append(events, r)
				}
				return len(events) > 0
			})
			return events, nil
		},
	} {
		who := l.register("secret " + name)
		reader := openStore(t, db, eventstore.Config{Now: time.Now})
		got, err := read(reader.store, who)
		if err != nil || textsOf(got)[0] != "secret "+name {
			t.Fatalf("%s before: %q, %v", name, textsOf(got), err)
		}
		l.do(domain.ForgetUser{User: who.id})
		got, err = read(reader.store, who)
		if err != nil || textsOf(got)[0] != eventstore.ErasedText {
			t.Errorf("%s after: %q, %v", name, textsOf(got), err)
		}
	}
}

// TestDecodeNoticesAForgottenUserAmongTheRecords decodes old records. They include the event that forgets the user.
func TestDecodeNoticesAForgottenUserAmongTheRecords(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	l := openLog(t, db, eventstore.SequencerConfig{})
	reader := openStore(t, db, eventstore.Config{Now: time.Now})
	who := l.register("secret")
	raw := reader.all()
	l.do(domain.ForgetUser{User: who.id})
	raw = append(raw, eventstore.Record{Type: "user.forgotten.v1", Payload: []byte(`{"user":1}`)})
	if err := reader.store.Decode(t.Context(), raw); err != nil || textsOf(raw)[0] != eventstore.ErasedText {
		t.Fatalf("got %q, %v", textsOf(raw), err)
	}
}

func TestUserKeyIsInsertedWithTheEventsThatNeedIt(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	if _, err := l.db.Owner.Exec(t.Context(), "ALTER TABLE events ADD CHECK (stream <> 'user-1')"); err != nil {
		t.Fatal(err)
	}
	register := domain.Request{Command: domain.RegisterUser{Username: "a", NameKey: "a"}}
	if _, err := l.sequencer.Execute(t.Context(), register); err == nil {
		t.Fatal("registered")
	}
	keys := func() (n int) {
		if err := l.db.Owner.QueryRow(t.Context(), "SELECT count(*) FROM user_key").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := keys(); n != 0 {
		t.Errorf("%d keys of nobody, want 0", n)
	}
	if _, err := l.db.Owner.Exec(t.Context(), "ALTER TABLE events DROP CONSTRAINT events_stream_check"); err != nil {
		t.Fatal(err)
	}
	if r := l.execute(register); r.Events[0].Event.(domain.UserRegistered).Username != "a" || keys() != 1 {
		t.Errorf("got %+v and %d keys", r, keys())
	}
}

func TestUserIsRegisteredAndForgottenInOneBatch(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	got := l.executeTogether(
		domain.Request{Command: domain.RegisterUser{Username: "mayfly", NameKey: "m", Credential: "no uuid at all"}},
		domain.Request{Command: domain.SignIn{User: 1, Session: "s"}},
		domain.Request{Command: domain.ChangeProfile{Nickname: new("fly")}, Actor: domain.AuthenticatedActor(1, "s")},
		domain.Request{Command: domain.ForgetUser{User: 1}, Actor: operator},
		domain.Request{Command: domain.ChangeProfile{Nickname: new("ghost")}, Actor: domain.AuthenticatedActor(1, "s")},
	)
	for i, a := range got {
		if (a.err != nil) != (i == 4) {
			t.Errorf("request %d: %v", i, a.err)
		}
	}
	for _, text := range textsOf(l.verified()) {
		if text != eventstore.ErasedText {
			t.Errorf("%q is left, want %v", text, eventstore.ErasedText)
		}
	}
}
