package projections_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/projections"
)

// credentialWorld is a log whose clock the test sets.
type credentialWorld struct {
	t     *testing.T
	pool  *pgxpool.Pool
	store *eventstore.Store
	now   time.Time
}

func newCredentialWorld(t *testing.T) *credentialWorld {
	t.Helper()
	db := pgtest.New(t)
	pool, err := eventstore.OpenPool(t.Context(), db.DSN, eventstore.PoolOptions{Serving: db.Serving, MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := &credentialWorld{t: t, pool: pool, now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	s.store, err = eventstore.Open(t.Context(), pool, eventstore.Config{Now: time.Now, Clock: func() time.Time { return s.now }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// credential inserts a password hash and returns its id.
func (s *credentialWorld) credential() string {
	s.t.Helper()
	id := uuid.New()
	if _, err := s.pool.Exec(s.t.Context(), "INSERT INTO credential VALUES ($1, 'hash', $2)", id, s.now); err != nil {
		s.t.Fatal(err)
	}
	return id.String()
}

// register registers a user with a password hash.
func (s *credentialWorld) register(name, credential string) {
	s.t.Helper()
	ctx, stop := context.WithCancel(s.t.Context())
	sequencer, ended := eventstore.NewSequencer(s.store, eventstore.SequencerConfig{}), make(chan error, 1)
	go func() { ended <- sequencer.Run(ctx) }()
	_, err := sequencer.Execute(ctx, domain.Request{
		Command: domain.RegisterUser{Username: name, NameKey: s.store.NameKey(name), Credential: credential}})
	stop()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := <-ended; err != nil {
		s.t.Fatal(err)
	}
}

// project runs a projector until the tables have reached the head of the log.
func (s *credentialWorld) project() {
	s.t.Helper()
	head, err := s.store.Head(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(s.t.Context(), 3*time.Minute)
	defer stop()
	ended := make(chan error, 1)
	projector := projections.NewProjector(s.store, projections.ProjectorConfig{Now: time.Now})
	go func() { ended <- projector.Run(ctx) }()
	for seen := s.store.Projected().Count(); projector.Status().Position < head; {
		if seen = s.store.Projected().Wait(ctx, seen, 50*time.Millisecond); ctx.Err() != nil {
			s.t.Fatal("the projector does not reach the head of the log")
		}
	}
	stop()
	if err := <-ended; err != nil {
		s.t.Fatal(err)
	}
}

// sweep deletes unused password hashes and returns their number.
func (s *credentialWorld) sweep() int64 {
	s.t.Helper()
	n, err := projections.DeleteUnusedCredentials(s.t.Context(), s.pool)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *credentialWorld) has(credential string) bool {
	s.t.Helper()
	var there bool
	err := s.pool.QueryRow(s.t.Context(), "SELECT EXISTS (SELECT FROM credential WHERE id = $1)", credential).Scan(&there)
	if err != nil {
		s.t.Fatal(err)
	}
	return there
}

func TestDeleteUnusedCredentials(t *testing.T) {
	t.Parallel()
	s := newCredentialWorld(t)
	used, unused := s.credential(), s.credential()
	s.register("anna", used)
	if n := s.sweep(); n != 0 {
		t.Fatalf("deleted %d before the tables had an event, want 0", n)
	}
	s.project()
	if n := s.sweep(); n != 0 {
		t.Fatalf("deleted %d that were not old, want 0", n)
	}

	s.now = s.now.Add(2 * time.Hour)
	young, late := s.credential(), s.credential()
	s.register("bert", late)
	if n := s.sweep(); n != 0 {
		t.Fatalf("deleted %d that are newer than the tables, want 0", n)
	}
	s.project()
	if n := s.sweep(); n != 1 {
		t.Fatalf("deleted %d, want the old and unused one", n)
	}
	for credential, want := range map[string]bool{used: true, unused: false, young: true, late: true} {
		if s.has(credential) != want {
			t.Errorf("credential %s exists: %v, want %v", credential, !want, want)
		}
	}
}

// TestDeleteUnusedCredentialsOfForgottenOwners checks that the password of a live is deleted after its owner was forgotten, for
// example by an older program that kept it. The password of another live stays.
func TestDeleteUnusedCredentialsOfForgottenOwners(t *testing.T) {
	t.Parallel()
	s := newCredentialWorld(t)
	s.register("anna", s.credential())
	s.project()
	forgotten, other := s.credential(), s.credential()
	s.now = s.now.Add(2 * time.Hour)
	s.register("bert", s.credential())
	s.project()
	if _, err := s.pool.Exec(t.Context(), `WITH owner AS (
			INSERT INTO user_account SELECT (jsonb_populate_record(u, '{"id":9,"name_key":"k9","lookalike_key":null,"username":"erased","nickname":"erased","avatar":"erased","roles":[],"credential":"","forgotten":true}')).* FROM user_account u ORDER BY id LIMIT 1
		), lives AS (
			INSERT INTO live (id, user_id, title, cover, stream_key, created_at, updated_at) VALUES (1, 9, 'songs', '', 's1', now(), now()), (2, 1, 'songs', '', 's2', now(), now())
		)
		INSERT INTO live_access (live_id, access, credential) VALUES (1, 'password', $1), (2, 'password', $2)`, forgotten, other); err != nil {
		t.Fatal(err)
	}
	if n := s.sweep(); n != 1 || s.has(forgotten) || !s.has(other) {
		t.Errorf("deleted %d, among them that of a forgotten owner: %v, that of another owner: %v", n, !s.has(forgotten), !s.has(other))
	}
}

func TestDeleteUnusedCredentialsKeepsThoseOfEventsThatTheTablesLack(t *testing.T) {
	t.Parallel()
	s := newCredentialWorld(t)
	s.register("first", s.credential())
	s.project()
	mine := make([]string, 5)
	for i := range mine {
		s.now = s.now.Add(3 * time.Hour)
		mine[i] = s.credential()
		s.register(fmt.Sprintf("late-%d", i), mine[i])
	}
	s.sweep()
	for i, credential := range mine {
		if !s.has(credential) {
			t.Errorf("late-%d has lost the password", i)
		}
	}
}

func TestDeleteUnusedCredentialsDeletesNothingWhileThereIsPoison(t *testing.T) {
	t.Parallel()
	s := newCredentialWorld(t)
	unused := s.credential()
	s.now = s.now.Add(2 * time.Hour)
	s.register("anna", s.credential())
	s.project()
	_, err := s.pool.Exec(t.Context(), "INSERT INTO poison VALUES (1, 'users', 'user.registered.v1', 'for a test')")
	if err != nil {
		t.Fatal(err)
	}
	if n := s.sweep(); n != 0 || !s.has(unused) {
		t.Fatalf("deleted %d", n)
	}
}

func TestDeleteUnusedCredentialsInBatches(t *testing.T) {
	t.Parallel()
	s := newCredentialWorld(t)
	_, err := s.pool.Exec(t.Context(), "INSERT INTO credential SELECT gen_random_uuid(), 'hash', $1 FROM generate_series(1, 2500)", s.now)
	if err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(2 * time.Hour)
	s.register("anna", s.credential())
	s.project()
	if n := s.sweep(); n != 2500 {
		t.Fatalf("deleted %d, want all", n)
	}
}
