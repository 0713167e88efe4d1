package main_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"roomlog/api/tlog"
	"roomlog/cmd/roomlog/analytics/duckdbtest"
	"roomlog/cmd/roomlog/export"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
	"roomlog/eventstore/place"
	"roomlog/eventstore/replica"
	"roomlog/eventstore/transparency"
	"roomlog/eventstore/transparency/pack"
	"roomlog/eventstore/transparency/tree"
	"roomlog/eventstore/transparency/witness"
	"roomlog/projections/ledger"
	"roomlog/projections/past"
	"roomlog/projections/projtest"
)

// firstDay is the first day of the month. The clock of the database shows it, because the log takes all times from there.
var firstDay = time.Date(2031, 3, 1, 0, 0, 0, 0, time.UTC)

// month is a platform on which users act for a month, and an auditor with a witness that cosigns.
type month struct {
	*projtest.Traffic
	day      int          // days since the first one
	paid     domain.Coins // coins of the orders that were paid
	watch    *witness.Witness
	dir      string // data folder of the witness
	known    note.Verifiers
	finale   domain.LiveID
	guests   []projtest.User // do not take part in the random traffic
	removed  int64           // position of a comment that is removed later
	paidLive domain.LiveID   // has tickets
	gift     int64           // position of a gift that is refunded later
}

func startMonth(t *testing.T) *month {
	t.Helper()
	db := pgtest.New(t)
	setClock(t, db, 0)
	m := &month{Traffic: projtest.NewTraffic(projtest.Open(t, db, eventstore.Config{}, "first"), 40, 8), dir: t.TempDir()}
	m.Project()
	m.guests = []projtest.User{m.Register("ann"), m.Register("ben"), m.Register("cat")}
	m.guests[1].Credit(500)
	m.finale = m.guests[0].GoLive("the finale")
	m.GrowTree()
	s, err := tree.ReadState(t.Context(), m.Pool)
	if err != nil {
		t.Fatal(err)
	}
	if m.known, err = transparency.ParseKeys(s.Keys); err != nil {
		t.Fatal(err)
	}
	signer, public, err := witness.OpenCosigner(m.dir, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	settings := transparency.WitnessSettings{Witnesses: []string{public}, Cosignatures: 1}
	witnesses, err := settings.Open()
	if err != nil {
		t.Fatal(err)
	}
	h := tlog.Handler{
		Pool: m.Pool, LogID: m.Store.ID(), Witnesses: witnesses, Timeout: time.Minute, Log: slog.New(slog.DiscardHandler), NotFound: http.NotFound,
		Body:      func(_ http.ResponseWriter, r *http.Request) ([]byte, error) { return io.ReadAll(r.Body) },
		Succeeded: func(w http.ResponseWriter, data any) { _ = json.NewEncoder(w).Encode(data) },
		Failed: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusConflict)
		},
	}
	router := chi.NewRouter()
	router.Get(tlog.CheckpointPath, h.Checkpoint)
	router.Get("/tlog/tile/{level}/*", h.Tile)
	router.Post(tlog.CosignaturePath, h.AddCosignature)
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	source, err := witness.NewHTTP(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if m.watch, err = witness.Open(witness.Config{Source: source, Keys: m.known, Dir: m.dir, Cosigner: signer}); err != nil {
		t.Fatal(err)
	}
	return m
}

// setClock sets the clock of a database to some minutes after the beginning of a day of the month. The function that shows
// the time gets another name, so that statements find the one of the test.
func setClock(t testing.TB, db *pgtest.DB, day int) {
	t.Helper()
	statement := fmt.Sprintf("CREATE OR REPLACE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '%s'::timestamptz + (pg_catalog.wall_clock() - '%s'::timestamptz) $$",
		firstDay.AddDate(0, 0, day).Format(time.RFC3339), time.Now().UTC().Format(time.RFC3339Nano))
	if day == 0 {
		statement = "ALTER FUNCTION pg_catalog.clock_timestamp() RENAME TO wall_clock; " + statement
	}
	if _, err := db.Owner.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// tomorrow begins the next day.
func (m *month) tomorrow() {
	m.Helper()
	m.day++
	setClock(m, m.DB, m.day)
	if _, err := m.Store.CheckHistory(m.Context()); err != nil { // compares the clocks, as a server does all the time
		m.Fatal(err)
	}
}

// buy places an order and pays it. The payment provider reports the payment twice; the second report changes nothing. It also
// reports another price, which is refused.
func (m *month) buy(by projtest.User, price int64) {
	m.Helper()
	order := domain.OrderID(uuid.NewString())
	coins := domain.Coins(price * 10)
	by.Send(domain.PlaceOrder{Order: order, Price: price, Coins: coins})
	pay := func(price int64) (eventstore.Receipt, error) {
		return m.Sequencer.Execute(m.Context(), domain.Request{Actor: domain.Actor{Kind: domain.PaymentProvider}, Command: domain.PayOrder{Order: order, User: by.ID, Price: price}})
	}
	if _, err := pay(price + 1); domain.AsRefusal(err) == nil {
		m.Errorf("an order was paid with another price: %v", err)
	}
	first, err := pay(price)
	second, again := pay(price)
	if err != nil || again != nil || second.Position != first.Position {
		m.Errorf("the payment of order %s: position %d, then %d; %v, %v", order, first.Position, second.Position, err, again)
	}
	m.paid += coins
}

// week lets users act and pay on seven days, and operators correct and moderate. Then the tree is signed and the witness
// cosigns it.
func (m *month) week(n int) {
	m.Helper()
	const commands = 600
	if n == 1 {
		m.Do(domain.SetShare{BasisPoints: 3333, Reason: "contract"})
	}
	for day := range 7 {
		m.Seed = uint64(m.day)
		m.Act(1, commands/7)
		m.buy(m.Users[(7*n+day)%len(m.Users)], int64(1+day))
		if day < 6 {
			m.tomorrow()
		}
	}
	m.Users[n].Send(domain.PlaceOrder{Order: domain.OrderID(fmt.Sprint("unpaid", n)), Price: 1, Coins: 10})
	fan := m.guests[1]
	m.Do(domain.ProposeCorrection{Account: domain.WalletAccount(fan.ID), Coins: domain.Coins(n + 1), Reason: "a lost order", Limit: 1000, Period: time.Hour})
	fan.Send(domain.SendGift{Live: m.finale, Gift: m.Gifts[0], Num: 1 + n})
	posted := fan.Send(domain.PostComment{Live: m.finale, Text: fmt.Sprintf("week %d", n)}).Events[0]
	if n == 1 {
		m.removed = posted.Position
		m.guests[0].Send(domain.RemoveComment{Live: m.finale, Comment: posted.Position, Author: fan.ID, PostedAt: posted.RecordedAt})
		m.guests[0].Send(domain.MuteViewer{Live: m.finale, User: m.guests[2].ID, Seconds: 60})
	}
	m.tradeCoins(n)
	if n == 2 {
		m.payOut(m.guests[0].ID)
	}
	m.GrowTree()
	if err := m.watch.Step(m.Context()); err != nil {
		m.Fatal(err)
	}
	defer m.tomorrow()
	if c, _ := m.watch.Newest(); c.N != m.Head() || m.Int("SELECT max(size) FROM tlog_cosignature") != c.N {
		m.Errorf("week %d: the witness has cosigned %s, the log ends at %d", n, c, m.Head())
	}
}

// payOut corrects the earnings of a streamer, and requests three payouts: one is captured, one is voided, and one is held.
func (m *month) payOut(streamer domain.UserID) {
	m.Helper()
	m.CatchUp()
	received, err := m.Queries.Received(m.Context(), domain.EarningsAccount(streamer))
	if err != nil {
		m.Fatal(err)
	}
	m.Do(domain.ProposeCorrection{Account: domain.EarningsAccount(streamer), Coins: 5, Reason: "a lost gift", Limit: 1000, Period: time.Hour, Received: received})
	for _, id := range []domain.PayoutID{"P1", "P2", "P3"} {
		m.Do(domain.RequestPayout{Payout: id, Streamer: streamer, Coins: 1, Reason: "November", Received: received})
	}
	m.Do(domain.CapturePayout{Payout: "P1", Reference: "T 1", Streamer: streamer})
	m.Do(domain.VoidPayout{Payout: "P2", Reason: "too early", Streamer: streamer})
}

// pack returns the pack of the log up to a position, with a signed checkpoint.
func (m *month) pack(signed []byte, to int64) []byte {
	m.Helper()
	path := filepath.Join(m.TempDir(), "month.pack")
	err := pgx.BeginTxFunc(m.Context(), m.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		return pack.Write(m.Context(), tx, pack.Range{From: 1, To: to, Signed: signed}, path)
	})
	if err != nil {
		m.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		m.Fatal(err)
	}
	return content
}

func (m *month) verify(content []byte, kept ...transparency.Checkpoint) error {
	_, err := pack.Verify(m.Context(), bytes.NewReader(content), int64(len(content)), m.known, nil, kept...)
	return err
}

// signed returns the newest signed checkpoint.
func (m *month) signed() []byte {
	m.Helper()
	s, err := tree.ReadState(m.Context(), m.Pool)
	if err != nil {
		m.Fatal(err)
	}
	return s.Signed
}

// TestMonthOfAPlatform lets users act on 28 days: paid orders, lives, comments, gifts, tickets, refunds, corrections, shares of
// the platform, payouts, moderation, and a credit that is set aside. An auditor who has the public key, the packs and a witness
// accepts the month, rejects every change of it, proves the settlements of the weeks and of the month with the pack, and finds
// that the database was rewritten. DuckDB and the ledger agree on every account, at the end and at the end of each week by the
// time. A live is shown as it was. All of this holds after a person was forgotten.
//
// Nobody can give an event a time: the log takes it from the clock of the database. Therefore the test moves that clock from day
// to day. The users, their commands and the days are always the same; the ids and the minutes of a day are not.
func TestMonthOfAPlatform(t *testing.T) {
	t.Parallel()
	m := startMonth(t)
	var ends []int64 // positions of the ends of the weeks
	for n := range 4 {
		m.week(n)
		ends = append(ends, m.Head())
	}
	signed, head := m.signed(), m.Head()
	content := m.pack(signed, head)
	kept := m.kept()
	if err := m.verify(content, kept...); err != nil || len(kept) < 4 {
		t.Fatalf("%d checkpoints, %v", len(kept), err)
	}
	m.rejectsEveryMutation(content)
	m.hasEveryCoinEvent()
	m.settles(content, ends)
	m.tookDays(28)
	m.agreesWithDuckDB(head)

	at, err := past.LiveAt(t.Context(), m.Store, m.Store, m.finale, ends[1])
	if err != nil {
		t.Fatal(err)
	}
	price := m.priceAt(ends[1])
	if at.Gifts != 1+2 || at.Coins != price || at.Status != domain.StatusOnAir || at.CommentCount != 2 || len(at.Comments) != 1 || at.Comments[0].Text != "week 0" {
		t.Errorf("the live at the end of the second week is %+v, want 3 gifts for %d coins, and the first of 2 comments", at, price)
	}
	if at, err = past.LiveAt(t.Context(), m.Store, m.Store, m.finale, m.removed); err != nil || len(at.Comments) != 2 || !at.Comments[0].Removed || at.Comments[0].Text != "" {
		t.Errorf("the live before a comment was removed shows %+v, %v; the removed text must not come back", at.Comments, err)
	}

	m.Do(domain.ForgetUser{User: m.guests[1].ID})
	m.GrowTree()
	if err := m.watch.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.pack(signed, head), content) {
		t.Error("the pack of the month has changed because a person was forgotten")
	}
	if err := m.verify(m.pack(m.signed(), m.Head()), m.kept()...); err != nil {
		t.Errorf("after a person was forgotten: %v", err)
	}
	m.agreesWithDuckDB(head)
	m.noticesARewrittenHistory(ends[1])
}

// kept returns the checkpoints that the witness has kept.
func (m *month) kept() (all []transparency.Checkpoint) {
	m.Helper()
	files, err := filepath.Glob(filepath.Join(m.dir, "checkpoints", "*"))
	if err != nil {
		m.Fatal(err)
	}
	for _, file := range files {
		found, err := transparency.ReadCheckpoints(file, m.known)
		if err != nil {
			m.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

// priceAt returns the coins of the gifts in the live up to a position, by the database.
func (m *month) priceAt(position int64) domain.Coins {
	m.Helper()
	return domain.Coins(m.Int("SELECT coalesce(sum(coins), 0) FROM read.gift_record WHERE live_id = $1 AND position <= $2", m.finale, position))
}

// rejectsEveryMutation changes the events of a pack in many ways. The verification rejects each, and names the position of the
// first change, or one before it.
func (m *month) rejectsEveryMutation(content []byte) {
	m.Helper()
	files, names := map[string][]byte{}, []string(nil)
	for r := tar.NewReader(bytes.NewReader(content)); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			m.Fatal(err)
		}
		names = append(names, header.Name)
		if files[header.Name], err = io.ReadAll(r); err != nil {
			m.Fatal(err)
		}
	}
	lines := slices.Collect(bytes.Lines(files["events.ndjson"]))
	columns := regexp.MustCompile(`"(position|stream|version|event_id|type|live_id|recorded_at|payload|metadata)":("?[^",]*\d)`)
	for i, tt := range []struct {
		name string
		edit func(random *rand.Rand, at int) [][]byte
	}{
		{"a flipped bit", func(random *rand.Rand, at int) [][]byte {
			line := bytes.Clone(lines[at])
			line[random.IntN(len(line)-1)] ^= 1 << random.IntN(7)
			return slices.Replace(slices.Clone(lines), at, at+1, line)
		}},
		{"deleted", func(_ *rand.Rand, at int) [][]byte { return slices.Delete(slices.Clone(lines), at, at+1) }},
		{"twice", func(_ *rand.Rand, at int) [][]byte { return slices.Insert(slices.Clone(lines), at, lines[at]) }},
		{"cut", func(_ *rand.Rand, at int) [][]byte { return slices.Clone(lines[:at]) }},
		{"reordered", func(_ *rand.Rand, at int) [][]byte {
			all := slices.Clone(lines)
			all[at], all[at-1] = all[at-1], all[at]
			return all
		}},
		{"inserted", func(_ *rand.Rand, at int) [][]byte {
			return slices.Insert(slices.Clone(lines), at, bytes.Replace(lines[at], []byte(`"event_id":"`), []byte(`"event_id":"0`), 1))
		}},
		{"a changed column", func(random *rand.Rand, at int) [][]byte {
			found := columns.FindAllIndex(lines[at], -1)
			place := found[random.IntN(len(found))]
			line := bytes.Clone(lines[at])
			line[place[1]-1] = '0' + (line[place[1]-1]-'0'+1)%10
			return slices.Replace(slices.Clone(lines), at, at+1, line)
		}},
	} {
		random := rand.New(rand.NewPCG(2026, uint64(i))) // of its own, so that the places do not depend on the other edits
		for range 8 {
			at := 1 + random.IntN(len(lines)-1)
			mutated := bytes.Join(tt.edit(random, at), nil)
			var b bytes.Buffer
			out := tar.NewWriter(&b)
			for _, file := range names {
				body := files[file]
				if file == "events.ndjson" {
					body = mutated
				}
				if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: file, Size: int64(len(body)), Mode: 0o600, Format: tar.FormatGNU}); err != nil {
					m.Fatal(err)
				}
				_, _ = out.Write(body)
			}
			if err := out.Close(); err != nil {
				m.Fatal(err)
			}
			var fault *pack.Fault
			if err := m.verify(b.Bytes()); !errors.As(err, &fault) || fault.Position < 1 || fault.Position > int64(at+2) {
				m.Errorf("%s at position %d: %v", tt.name, at+1, err)
			}
		}
	}
}

// agreesWithDuckDB exports the log as Parquet files, adds up the postings with DuckDB, and compares every account with the
// ledger.
func (m *month) agreesWithDuckDB(position int64) {
	m.Helper()
	dir := filepath.Join(m.TempDir(), "lake")
	e, err := export.Open(m.Context(), m.Store, replica.New(m.Store, nil, nil), m.OwnerPool(), export.Options{Dir: dir, Format: export.Parquet})
	if err != nil {
		m.Fatal(err)
	}
	if err := errors.Join(e.Update(m.Context()), e.Close()); err != nil {
		m.Fatal(err)
	}
	// The end of the month by its position, and the ends of three weeks by the time.
	conditions, positions := []string{fmt.Sprintf("position <= %d", position)}, []int64{position}
	for week := range 3 {
		end := firstDay.AddDate(0, 0, 7*(week+1)).Format(time.DateOnly)
		at, err := place.UpTo(m.Context(), m.Store, end, position)
		if err != nil {
			m.Fatal(err)
		}
		conditions, positions = append(conditions, fmt.Sprintf("day < DATE '%s'", end)), append(positions, at)
	}
	var queries []string
	for _, condition := range conditions {
		var parts []string
		for _, kind := range []string{
			"gift.sent.v2", "gift.refunded.v2", "coins.credited.v1", "coins.corrected.v1",
			"earnings.held.v1", "earnings.paid_out.v1", "earnings.released.v1", "earnings.corrected.v1", "ticket.bought.v1", "ticket.refunded.v2",
		} {
			parts = append(parts, fmt.Sprintf("SELECT unnest(postings) AS p FROM read_parquet('%s/*/*.parquet') WHERE %s AND position NOT IN (SELECT data_position FROM read_parquet('event.set_aside.v1/*/*.parquet'))", kind, condition))
		}
		queries = append(queries, "SELECT p.account, CAST(sum(p.amount) AS BIGINT) AS coins FROM ("+strings.Join(parts, " UNION ALL ")+") GROUP BY ALL HAVING sum(p.amount) <> 0 ORDER BY p.account")
	}
	var got []string
	for i, rows := range duckdbtest.Query(m, "testdata/clients", filepath.Join(dir, export.ViewsName), queries) {
		lines := []string(nil)
		for _, row := range rows {
			lines = append(lines, strings.Join(row, " "))
		}
		want := m.accountsAt(positions[i])
		slices.Sort(lines)
		if !slices.Equal(lines, want) || len(lines) < 20 {
			m.Errorf("%s: DuckDB adds up\n%s\nthe ledger says\n%s", conditions[i], strings.Join(lines, "\n"), strings.Join(want, "\n"))
		}
		if i == 0 {
			got = lines
		}
	}
	if want := fmt.Sprintf("provider -%d", m.paid); !slices.Contains(got, want) {
		m.Errorf("the orders that were paid are missing: want %s", want)
	}
	for _, account := range []string{"payout ", "platform ", "held-"} {
		if !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, account) }) {
			m.Errorf("no coins are in the account %s", account)
		}
	}
}

// accountsAt returns a sorted line for each account whose balance at a position is not 0, by the ledger.
func (m *month) accountsAt(position int64) (lines []string) {
	m.Helper()
	err := ledger.Snapshot(m.Context(), m.Pool, func(l *ledger.Ledger) error {
		accounts, err := l.Accounts(m.Context(), position, "", 1000)
		for _, a := range accounts {
			lines = append(lines, fmt.Sprintf("%s %d", a.Account, a.Balance))
		}
		return err
	})
	if err != nil {
		m.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

// tookDays checks that the times of the log begin at the first day and contain n days without a gap, and that they never step
// back.
func (m *month) tookDays(n int64) {
	m.Helper()
	days := m.Int("SELECT count(DISTINCT recorded_at::date) FROM public.events")
	last := m.Int("SELECT max(recorded_at)::date - min(recorded_at)::date + 1 FROM public.events WHERE recorded_at >= $1", firstDay)
	back := m.Int("SELECT count(*) FROM public.events a JOIN public.events b ON b.position = a.position + 1 WHERE b.recorded_at < a.recorded_at")
	if days != n || last != n || back != 0 {
		m.Errorf("the log has events of %d days within %d days, %d times step back; want %d days", days, last, back, n)
	}
}

// noticesARewrittenHistory edits an event, and builds and signs a new tree over it with the secret of the server. An
// attacker can do the same who has everything but the data of the witness.
func (m *month) noticesARewrittenHistory(position int64) {
	m.Helper()
	err := pgx.BeginFunc(m.Context(), m.DB.Owner, func(tx pgx.Tx) error {
		_, err := tx.Exec(m.Context(), fmt.Sprintf(`SET LOCAL session_replication_role = replica;
			UPDATE events SET metadata = replace(metadata::text, '{', '{ ')::json WHERE position = %d;
			DELETE FROM tlog_tile; DELETE FROM tlog_checkpoint; DELETE FROM tlog_cosignature;
			UPDATE tlog_tree SET size = 0, event_id = NULL, signed = 0`, position))
		return err
	})
	if err != nil {
		m.Fatal(err)
	}
	m.GrowTree()
	kept := m.kept()
	if err := m.watch.Step(m.Context()); !errors.Is(err, witness.ErrRewritten) {
		m.Errorf("the witness: %v", err)
	}
	for file, of := range map[string]int64{"newest": m.Head(), "rewritten": m.Head()} {
		if found, err := transparency.ReadCheckpoints(filepath.Join(m.dir, file), m.known); err != nil || len(found) != 1 || found[0].N != of {
			m.Errorf("the evidence %s: %v, %v", file, found, err)
		}
	}
	if n := m.Int("SELECT count(*) FROM tlog_fork"); n != 1 {
		m.Errorf("the server has %d checkpoints as evidence, want the one that the witness has sent", n)
	}
	content := m.pack(m.signed(), m.Head())
	if err := m.verify(content); err != nil {
		m.Errorf("the rewritten log is consistent, but its pack has a fault: %v", err)
	}
	var fault *pack.Fault
	if err := m.verify(content, kept...); !errors.As(err, &fault) {
		m.Errorf("the pack of the rewritten log with the checkpoints of the witness: %v", err)
	}
}
