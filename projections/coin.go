package projections

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/sqltemplate"
)

// Coins projects the balance and the movements of every account.
var Coins = Projection{
	Name: "coins", Version: 5, Tables: []string{"coin", "coin_movement"}, CountsCoins: true,
	Handlers: []Handler{on(foldCoinsCredited), on(foldGiftPostings), on(foldCoinsRefunded), on(foldCoinsCorrected), on(foldEarningsCorrected),
		on(foldEarningsHeld), on(foldEarningsPaidOut), on(foldEarningsReleased), on(foldTicketBought), on(foldTicketRefunded)},
	Write: writes(writeCoins),
}

type coinsBatch struct {
	position   []int64
	seq        []int32
	account    []string
	amount     []int64
	total      []int64 // total change of the account in this batch, up to and including this movement
	claimed    []int64
	order      []string
	live, gift []int64
	at         []time.Time
	moved      map[domain.Account]int64 // sum of each account's movements in this batch
	newest     map[domain.Account]int64 // position of the newest movement
	received   map[domain.Account]int64 // coins that gifts and tickets have added
}

// noClaim stands for the balance of an account if the event does not state one.
const noClaim = -1

func foldCoinsCredited(b *coinsBatch, r eventstore.Record, e domain.CoinsCredited) {
	b.post(r, e.Postings, domain.WalletAccount(e.User), e.BalanceAfter, purpose{order: e.Order})
}

func foldGiftPostings(b *coinsBatch, r eventstore.Record, e domain.GiftSent) {
	b.post(r, e.Postings, domain.WalletAccount(e.Sender), e.BalanceAfter, purpose{live: e.Live, gift: e.Gift})
	b.receive(e.Postings)
}

func foldTicketBought(b *coinsBatch, r eventstore.Record, e domain.TicketBought) {
	b.post(r, e.Postings, domain.WalletAccount(e.User), e.BalanceAfter, purpose{live: e.Live})
	b.receive(e.Postings)
}

func foldTicketRefunded(b *coinsBatch, r eventstore.Record, e domain.TicketRefunded) {
	b.post(r, e.Postings, domain.WalletAccount(e.User), e.BalanceAfter, purpose{live: e.Live})
}

// receive adds the coins of a gift or of a ticket to what its receivers have ever received.
func (b *coinsBatch) receive(postings []domain.Posting) {
	for _, p := range postings {
		if p.Amount > 0 {
			add(&b.received, p.Account, int64(p.Amount))
		}
	}
}

func foldCoinsRefunded(b *coinsBatch, r eventstore.Record, e domain.GiftRefunded) {
	b.post(r, e.Postings, domain.WalletAccount(e.Sender), e.BalanceAfter, purpose{live: e.Live, gift: e.Gift})
}

func foldCoinsCorrected(b *coinsBatch, r eventstore.Record, e domain.CoinsCorrected) {
	b.post(r, e.Postings, domain.WalletAccount(e.User), e.BalanceAfter, purpose{})
}

// foldEarningsCorrected adds the postings of a correction of earnings. The event states no balance, because the log
// does not contain the balances of earnings.
func foldEarningsCorrected(b *coinsBatch, r eventstore.Record, e domain.EarningsCorrected) {
	b.post(r, e.Postings, "", 0, purpose{})
}

func foldEarningsHeld(b *coinsBatch, r eventstore.Record, e domain.EarningsHeld) {
	b.post(r, e.Postings, "", 0, purpose{})
}

func foldEarningsPaidOut(b *coinsBatch, r eventstore.Record, e domain.EarningsPaidOut) {
	b.post(r, e.Postings, "", 0, purpose{})
}

func foldEarningsReleased(b *coinsBatch, r eventstore.Record, e domain.EarningsReleased) {
	b.post(r, e.Postings, "", 0, purpose{})
}

// purpose is the purpose of a movement of coins: an order, a gift, or a ticket for a live. It is empty for a correction or a payout.
type purpose struct {
	order domain.OrderID
	live  domain.LiveID
	gift  domain.GiftID
}

// post adds the postings of an event. holder is the account whose balance after the event is balance, as the event
// states it; noClaim if it states none.
func (b *coinsBatch) post(r eventstore.Record, postings []domain.Posting, holder domain.Account, balance domain.Coins, p purpose) {
	for i, posting := range postings {
		add(&b.moved, posting.Account, int64(posting.Amount))
		set(&b.newest, posting.Account, r.Position)
		claim := int64(noClaim)
		if posting.Account == holder {
			claim = int64(balance)
		}
		b.position, b.seq, b.at = append(b.position, r.Position), append(b.seq, int32(i)), append(b.at, r.RecordedAt)
		b.account, b.amount = append(b.account, string(posting.Account)), append(b.amount, int64(posting.Amount))
		b.total, b.claimed = append(b.total, b.moved[posting.Account]), append(b.claimed, claim)
		b.order, b.live, b.gift = append(b.order, string(p.order)), append(b.live, int64(p.live)), append(b.gift, int64(p.gift))
	}
}

func writeCoins(b *coinsBatch, tables *pgx.Batch) {
	if len(b.position) == 0 {
		return
	}
	accounts, amounts := make([]string, 0, len(b.moved)), make([]int64, 0, len(b.moved))
	newest, received := make([]int64, 0, len(b.moved)), make([]int64, 0, len(b.moved))
	for account, amount := range b.moved {
		accounts, amounts, newest = append(accounts, string(account)), append(amounts, amount), append(newest, b.newest[account])
		received = append(received, b.received[account])
	}
	tables.Queue(addCoin, accounts, amounts, newest, received)
	rest := make([]int64, len(b.total)) // the sum of the account's later movements in the batch
	for i, total := range b.total {
		rest[i] = b.moved[domain.Account(b.account[i])] - total
	}
	expect(len(rest), tables.Queue(insertCoinMovement, b.position, b.seq, b.account, b.amount, rest, b.claimed, b.order, b.live, b.gift, b.at))
}

// Balance returns the coins in the wallet of a user.
func (q *Queries) Balance(ctx context.Context, id domain.UserID) (domain.Coins, error) {
	return q.AccountBalance(ctx, domain.WalletAccount(id))
}

// AccountBalance returns the coins of an account, or 0 if the account never had any.
func (q *Queries) AccountBalance(ctx context.Context, a domain.Account) (domain.Coins, error) {
	balance, err := one(ctx, q, "balance", pgx.RowTo[domain.Coins], selectBalance, a)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	return balance, err
}

// CoinMovement is one change of the balance of an account.
type CoinMovement struct {
	Position     int64
	Account      domain.Account
	Amount       domain.Coins
	BalanceAfter domain.Coins
	Order        domain.OrderID // order that was credited; "" for other movements
	Live         domain.LiveID  // live of a gift or of a ticket, which was sent, bought or refunded; 0 for other movements
	Gift         domain.GiftID  // gift that was sent or refunded; 0 for other movements
	At           time.Time
}

// CoinFilter selects movements of one account.
type CoinFilter struct {
	Account domain.Account
	Window
}

// CoinHistory returns a page with movements of one account.
func (q *Queries) CoinHistory(ctx context.Context, f CoinFilter) ([]CoinMovement, error) {
	after, before, limit := f.bounds()
	return many(ctx, q, "coin movements", func(row pgx.CollectableRow) (m CoinMovement, err error) {
		err = row.Scan(&m.Position, &m.Account, &m.Amount, &m.BalanceAfter, &m.Order, &m.Live, &m.Gift, &m.At)
		m.At = m.At.UTC()
		return m, err
	}, selectCoinMovements.With(f.options()), f.Account, after, before, limit)
}

// Corrections projects the corrections of balances. The coins that they move are in the tables of Coins.
var Corrections = Projection{
	Name: "corrections", Version: 1, Tables: []string{"correction"},
	Handlers: []Handler{on(foldCorrectionProposed), on(foldCorrectionApproved), on(foldCorrectionRejected)},
	Write:    writes(writeCorrections),
}

type correctionsBatch struct {
	id, user, coins, expires          []int64
	account, proposer, reason, status []string
	at                                []time.Time
	decided                           map[domain.CorrectionID]CorrectionStatus
}

func foldCorrectionProposed(b *correctionsBatch, r eventstore.Record, e domain.CorrectionProposed) {
	status := CorrectionBooked
	if e.Open {
		status = CorrectionOpen
	}
	b.id, b.user, b.coins = append(b.id, int64(e.Correction)), append(b.user, int64(e.User)), append(b.coins, int64(e.Coins))
	b.account, b.proposer, b.reason = append(b.account, string(e.Account)), append(b.proposer, e.Proposer), append(b.reason, e.Reason)
	b.at, b.expires, b.status = append(b.at, r.RecordedAt), append(b.expires, e.Expires), append(b.status, string(status))
}

func foldCorrectionApproved(b *correctionsBatch, _ eventstore.Record, e domain.CorrectionApproved) {
	set(&b.decided, e.Correction, CorrectionBooked)
}

func foldCorrectionRejected(b *correctionsBatch, _ eventstore.Record, e domain.CorrectionRejected) {
	set(&b.decided, e.Correction, CorrectionRejected)
}

func writeCorrections(b *correctionsBatch, tables *pgx.Batch) {
	if len(b.id) > 0 {
		tables.Queue(insertCorrection, b.id, b.account, b.user, b.coins, b.proposer, b.reason, b.at, b.expires, b.status)
	}
	if len(b.decided) == 0 {
		return
	}
	var ids []int64
	var statuses []string
	for id, status := range b.decided {
		ids, statuses = append(ids, int64(id)), append(statuses, string(status))
	}
	expect(len(ids), tables.Queue(updateCorrection, ids, statuses))
}

// CorrectionStatus says whether a correction waits for an approval, has moved its coins, or was rejected.
type CorrectionStatus string

// The statuses of corrections.
const (
	CorrectionOpen     CorrectionStatus = "open"     // waits for an approval
	CorrectionBooked   CorrectionStatus = "booked"   // the coins have moved
	CorrectionRejected CorrectionStatus = "rejected" // rejected or withdrawn
)

// Correction is the row of a correction of a balance, with its decision.
type Correction struct {
	ID         domain.CorrectionID
	Account    domain.Account
	User       domain.UserID
	Coins      domain.Coins
	Proposer   string
	Reason     string
	ProposedAt time.Time
	ExpiresAt  time.Time // time until which an open correction can be approved
	Status     CorrectionStatus
	Received   domain.Coins // coins that gifts and tickets have added to the account
}

// Correction returns a correction, or ErrNotFound.
func (q *Queries) Correction(ctx context.Context, id domain.CorrectionID) (Correction, error) {
	return one(ctx, q, "correction", pgx.RowToStructByPos[Correction], selectCorrections.With(sqltemplate.Options{"id": true}), id)
}

// Corrections returns at most limit corrections with ids below before, newest first; before 0 means no bound. If open
// is true, it returns only corrections that nobody has approved or rejected, including those that have expired.
func (q *Queries) Corrections(ctx context.Context, open bool, before domain.CorrectionID, limit int) ([]Correction, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	return many(ctx, q, "corrections", pgx.RowToStructByPos[Correction], selectCorrections.With(sqltemplate.Options{"open": open}), before, pageSize(limit))
}

// Received returns the number of coins that gifts and tickets have added to an account. It only grows.
func (q *Queries) Received(ctx context.Context, a domain.Account) (domain.Coins, error) {
	received, err := one(ctx, q, "received coins", pgx.RowTo[domain.Coins], selectReceived, a)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	return received, err
}

// Payouts projects the payouts of earnings. The coins that they move are in the tables of Coins.
var Payouts = Projection{
	Name: "payouts", Version: 1, Tables: []string{"payout"},
	Handlers: []Handler{on(foldPayoutRequested), on(foldPayoutCaptured), on(foldPayoutVoided)},
	Write:    writes(writePayouts),
}

type payoutsBatch struct {
	id, reason                []string
	streamer, coins, position []int64
	at                        []time.Time

	decided decidedPayouts
}

// decidedPayouts are the payouts that a batch decides.
type decidedPayouts struct {
	id, status, note []string
	position         []int64
	at               []time.Time
}

func foldPayoutRequested(b *payoutsBatch, r eventstore.Record, e domain.PayoutRequested) {
	b.id, b.reason = append(b.id, string(e.Payout)), append(b.reason, e.Reason)
	b.streamer, b.coins = append(b.streamer, int64(e.Streamer)), append(b.coins, int64(e.Coins))
	b.position, b.at = append(b.position, r.Position), append(b.at, r.RecordedAt)
}

func foldPayoutCaptured(b *payoutsBatch, r eventstore.Record, e domain.PayoutCaptured) {
	b.decide(r, e.Payout, domain.PayoutPaid, e.Reference)
}

func foldPayoutVoided(b *payoutsBatch, r eventstore.Record, e domain.PayoutVoided) {
	b.decide(r, e.Payout, domain.PayoutVoid, e.Reason)
}

func (b *payoutsBatch) decide(r eventstore.Record, id domain.PayoutID, status domain.PayoutStatus, note string) {
	d := &b.decided
	d.id, d.status, d.note = append(d.id, string(id)), append(d.status, string(status)), append(d.note, note)
	d.position, d.at = append(d.position, r.Position), append(d.at, r.RecordedAt)
}

func writePayouts(b *payoutsBatch, tables *pgx.Batch) {
	if len(b.id) > 0 {
		tables.Queue(insertPayout, b.id, b.streamer, b.coins, b.reason, b.position, b.at)
	}
	if d := b.decided; len(d.id) > 0 {
		expect(len(d.id), tables.Queue(updatePayout, d.id, d.status, d.note, d.position, d.at))
	}
}

// Payout is the row of a payout of earnings.
type Payout struct {
	ID          domain.PayoutID
	Streamer    domain.UserID
	Coins       domain.Coins
	Status      domain.PayoutStatus
	Requester   string // name of the actor who has requested the payout
	Reason      string
	Position    int64 // position of the event that requested the payout
	RequestedAt time.Time
	Decider     string // name of the actor who has paid the payout or made it void; "" while the coins are held
	Note        string // reference of the payment, or reason of the void; "" while the coins are held
	Decided     int64  // position of the decision; 0 while the coins are held
	DecidedAt   *time.Time
}

// PayoutFilter selects payouts. Fields with the zero value select all.
type PayoutFilter struct {
	Streamer domain.UserID
	Held     bool // whether only payouts that wait for the payment are returned
	Window
}

// Payout returns a payout, or ErrNotFound.
func (q *Queries) Payout(ctx context.Context, id domain.PayoutID) (Payout, error) {
	return one(ctx, q, "payout", pgx.RowToStructByPos[Payout], selectPayout, id)
}

// Payouts returns a page of payouts, ordered by the positions of their requests.
func (q *Queries) Payouts(ctx context.Context, f PayoutFilter) ([]Payout, error) {
	after, before, limit := f.bounds()
	return many(ctx, q, "payouts", pgx.RowToStructByPos[Payout],
		selectPayouts.With(sqltemplate.Options{"streamer": f.Streamer != 0, "held": f.Held, "oldest_first": f.OldestFirst}),
		pgx.NamedArgs{"streamer": f.Streamer, "after": after, "before": before, "limit": limit})
}
