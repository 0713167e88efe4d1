package projections

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// Coins projects the balance and the movements of every account.
var Coins = Projection{
	Name: "coins", Version: 3, Tables: []string{"coin", "coin_movement"}, CountsCoins: true,
	Handlers: []Handler{on(foldCoinsCredited), on(foldCoinsSpent), on(foldCoinsRefunded)},
	Write:    writes(writeCoins),
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
	received   map[domain.Account]int64 // coins that gifts have added
}

// noClaim stands for the balance of an account if the event does not state one.
const noClaim = -1

func foldCoinsCredited(b *coinsBatch, r eventstore.Record, e domain.CoinsCredited) {
	b.post(r, e.Postings, domain.WalletAccount(e.User), e.BalanceAfter, purpose{order: e.Order})
}

func foldCoinsSpent(b *coinsBatch, r eventstore.Record, e domain.GiftSent) {
	b.post(r, e.Postings, domain.WalletAccount(e.Sender), e.BalanceAfter, purpose{live: e.Live, gift: e.Gift})
	for _, p := range e.Postings {
		if p.Amount > 0 {
			add(&b.received, p.Account, int64(p.Amount))
		}
	}
}

func foldCoinsRefunded(b *coinsBatch, r eventstore.Record, e domain.GiftRefunded) {
	b.post(r, e.Postings, domain.WalletAccount(e.Sender), e.BalanceAfter, purpose{live: e.Live, gift: e.Gift})
}

// purpose is why coins moved: an order or a gift.
type purpose struct {
	order domain.OrderID
	live  domain.LiveID
	gift  domain.GiftID
}

// post adds the postings of an event. balance is the balance of the account holder after the event, as the event states
// it.
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
	Live         domain.LiveID  // live that received a gift, which was sent or refunded; 0 for other movements
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
