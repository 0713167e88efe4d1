package projections

import (
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// CountsCoins is the balance of every account and every movement that led to it. It counts coins.
var Coins = Projection{
	Name: "coins", Version: 1, Tables: []string{"coin", "coin_movement"}, CountsCoins: true,
	Handlers: []Handler{on(foldCoinsCredited), on(foldCoinsGiven)},
	Write:    writes(writeCoins),
}

type coinsBatch struct {
	position   []int64
	seq        []int32
	account    []string
	amount     []int64
	total      []int64 // of the account, in this batch, up to and with this movement
	claimed    []int64
	order      []string
	live, gift []int64
	at         []time.Time
	moved      map[domain.Account]int64 // in this batch
	newest     map[domain.Account]int64 // position of its newest movement
}

// noClaim says that the event does not say what the balance is.
const noClaim = -1

func foldCoinsCredited(b *coinsBatch, r eventstore.Record, e domain.CoinsCredited) {
	b.post(r, e.Postings, domain.WalletAccount(e.User), e.BalanceAfter, movementOf{order: e.Order})
}

func foldCoinsGiven(b *coinsBatch, r eventstore.Record, e domain.GiftSent) {
	b.post(r, e.Postings, domain.WalletAccount(e.Sender), e.BalanceAfter, movementOf{live: e.Live, gift: e.Gift})
}

// movementOf is what a movement was for.
type movementOf struct {
	order domain.OrderID
	live  domain.LiveID
	gift  domain.GiftID
}

// post adds the postings of one event, which says that holder has balance after it.
func (b *coinsBatch) post(r eventstore.Record, postings []domain.Posting, holder domain.Account, balance domain.Coins, of movementOf) {
	for i, p := range postings {
		add(&b.moved, p.Account, int64(p.Amount))
		set(&b.newest, p.Account, r.Position)
		claim := int64(noClaim)
		if p.Account == holder {
			claim = int64(balance)
		}
		b.position, b.seq, b.at = append(b.position, r.Position), append(b.seq, int32(i)), append(b.at, r.RecordedAt)
		b.account, b.amount = append(b.account, string(p.Account)), append(b.amount, int64(p.Amount))
		b.total, b.claimed = append(b.total, b.moved[p.Account]), append(b.claimed, claim)
		b.order, b.live, b.gift = append(b.order, string(of.order)), append(b.live, int64(of.live)), append(b.gift, int64(of.gift))
	}
}

func writeCoins(b *coinsBatch, tables *pgx.Batch) {
	if len(b.position) == 0 {
		return
	}
	accounts, amounts := make([]string, 0, len(b.moved)), make([]int64, 0, len(b.moved))
	newest := make([]int64, 0, len(b.moved))
	for account, amount := range b.moved {
		accounts, amounts, newest = append(accounts, string(account)), append(amounts, amount), append(newest, b.newest[account])
	}
	tables.Queue(addCoin, accounts, amounts, newest)
	rest := make([]int64, len(b.total)) // what the batch moves on the account after this movement
	for i, total := range b.total {
		rest[i] = b.moved[domain.Account(b.account[i])] - total
	}
	expect(len(rest), tables.Queue(insertCoinMovement, b.position, b.seq, b.account, b.amount, rest, b.claimed, b.order, b.live, b.gift, b.at))
}
