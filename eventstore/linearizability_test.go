package eventstore_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

// ask is a request to a wallet.
type ask struct {
	wallet domain.UserID
	key    string // idempotency key of a gift, or order of a credit
	credit domain.Coins
	num    int
}

// results is the result of a request: the balance afterwards, or a refusal because of too few coins.
type results struct {
	balance domain.Coins
	refused bool
}

// purse is the state of the model: the balance, and the result of each key.
type purse struct {
	balance domain.Coins
	results map[string]results
}

// walletModel is a wallet that executes requests one after another, as a model for porcupine.
var walletModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byWallet := make(map[domain.UserID][]porcupine.Operation)
		for _, op := range history {
			wallet := op.Input.(ask).wallet
			byWallet[wallet] = append(byWallet[wallet], op)
		}
		var parts [][]porcupine.Operation
		for _, part := range byWallet {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return purse{} },
	Step: func(state, input, output any) (bool, any) {
		now, in, out := state.(purse), input.(ask), output.(results)
		if first, again := now.results[in.key]; again {
			return out == first, now
		}
		next := purse{balance: now.balance, results: maps.Clone(now.results)}
		if next.results == nil {
			next.results = make(map[string]results)
		}
		want := results{refused: true}
		if cost := domain.Coins(in.num) * 10; cost <= now.balance {
			next.balance += in.credit - cost
			want = results{balance: next.balance}
		}
		next.results[in.key] = want
		return out == want, next
	},
	Equal: func(a, b any) bool {
		one, other := a.(purse), b.(purse)
		return one.balance == other.balance && maps.Equal(one.results, other.results)
	},
}

// history records the requests of clients, with their times and results.
type history struct {
	mu  sync.Mutex
	ops []porcupine.Operation
}

// client sends random requests through randomly chosen processes. If it gets no result, it repeats the request with the
// same key.
func (h *history) client(t *testing.T, id int, logs []*testLog, p fixture, began time.Time) {
	random := rand.New(rand.NewPCG(uint64(id), 1))
	for n := range 14 {
		who := p.users[random.IntN(len(p.users))]
		in := ask{wallet: who.id, key: fmt.Sprintf("%d of %d", n, id), num: 1 + random.IntN(3)}
		switch random.IntN(4) {
		case 0:
			in.num, in.credit = 0, domain.Coins(1+random.IntN(60))
			in.key = fmt.Sprintf("order-%d-%d", n, id)
		case 1:
			in = h.some(random, in) // a request that was sent before
		}
		call := time.Since(began)
		out, ok := h.until(t, random, logs, p, in)
		if !ok {
			return
		}
		h.mu.Lock()
		h.ops = append(h.ops, porcupine.Operation{ClientId: id, Input: in, Call: int64(call), Output: out, Return: int64(time.Since(began))})
		h.mu.Unlock()
	}
}

func (h *history) some(random *rand.Rand, otherwise ask) ask {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.ops) == 0 {
		return otherwise
	}
	return h.ops[random.IntN(len(h.ops))].Input.(ask)
}

func (h *history) until(t *testing.T, random *rand.Rand, logs []*testLog, p fixture, in ask) (results, bool) {
	r := domain.Request{Command: p.give(in.num), Actor: p.by(in.wallet), IdempotencyKey: in.key}
	if in.credit > 0 {
		r = domain.Request{Command: domain.CreditCoins{Order: domain.OrderID(in.key), User: in.wallet, Coins: in.credit}, Actor: operator, IdempotencyKey: in.key}
	}
	for range 1000 {
		receipt, err := logs[random.IntN(len(logs))].sequencer.Execute(context.Background(), r)
		switch no := domain.AsRefusal(err); {
		case err == nil:
			switch e := receipt.Events[len(receipt.Events)-1].Event.(type) {
			case domain.GiftSent:
				return results{balance: e.BalanceAfter}, true
			case domain.CoinsCredited:
				return results{balance: e.BalanceAfter}, true
			}
		case no != nil && no.Code == domain.CodeCoinsTooFew:
			return results{refused: true}, true
		case errors.Is(err, eventstore.ErrUnavailable), errors.Is(err, eventstore.ErrOutcomeUnknown):
		case no == nil: // the first request was executed, but its result could not be read because the connection was cut
		default:
			t.Error(err)
			return results{}, false
		}
	}
	t.Errorf("no answer to %+v", in)
	return results{}, false
}

func (p fixture) by(id domain.UserID) domain.Actor {
	for _, who := range p.users {
		if who.id == id {
			return who.by
		}
	}
	return domain.Actor{}
}

func TestWalletsAreLinearizable(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	proxy := startProxy(t, db)
	quick := eventstore.SequencerConfig{Timeout: 200 * time.Millisecond}
	logs := []*testLog{
		openLog(t, db, quick),
		proxy.open(eventstore.Config{Now: time.Now}, quick),
		openLog(t, db, eventstore.SequencerConfig{BatchSize: 3, CacheSize: 8, SnapshotEvery: 5}),
	}
	p := logs[0].fixture(3, 0)
	h := &history{}
	began := time.Now()
	stop := make(chan struct{})
	var trouble, clients sync.WaitGroup
	trouble.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				proxy.cut()
			}
		}
	})
	for id := range 10 {
		clients.Go(func() { h.client(t, id, logs, p, began) })
	}
	clients.Wait()
	close(stop)
	trouble.Wait()
	if got := porcupine.CheckOperationsTimeout(walletModel, h.ops, time.Minute); got != porcupine.Ok {
		t.Fatalf("the history of %d requests is %s, want %v", len(h.ops), got, porcupine.Ok)
	}
	logs[0].recovered()
	logs[0].verified()
}

// TestWalletModelRejectsImpossibleHistories checks that the model rejects impossible sequences of results. All requests
// except the last are sequential.
func TestWalletModelRejectsImpossibleHistories(t *testing.T) {
	t.Parallel()
	credit := func(key string, coins, balance domain.Coins) [2]any {
		return [2]any{ask{1, key, coins, 0}, results{balance: balance}}
	}
	gift := func(key string, num int, out results) [2]any { return [2]any{ask{1, key, 0, num}, out} }
	for name, tt := range map[string]struct {
		want  porcupine.CheckResult
		steps [][2]any
	}{
		"a good one": {porcupine.Ok, [][2]any{
			credit("o1", 25, 25), gift("k1", 2, results{balance: 5}), gift("k2", 1, results{refused: true}), gift("k1", 2, results{balance: 5}),
			credit("o2", 5, 10), credit("o1", 25, 25), gift("k2", 1, results{refused: true}), gift("k3", 1, results{}),
		}},
		"an overdraft":               {porcupine.Illegal, [][2]any{credit("o1", 15, 15), gift("k1", 1, results{balance: 5}), gift("k2", 1, results{balance: -5})}},
		"a gift that costs nothing":  {porcupine.Illegal, [][2]any{credit("o1", 15, 15), gift("k1", 1, results{balance: 15})}},
		"a refusal without a reason": {porcupine.Illegal, [][2]any{credit("o1", 15, 15), gift("k1", 1, results{refused: true})}},
		"a gift given twice":         {porcupine.Illegal, [][2]any{credit("o1", 25, 25), gift("k1", 1, results{balance: 15}), gift("k1", 1, results{balance: 5})}},
		"a credit that is lost":      {porcupine.Illegal, [][2]any{credit("o1", 15, 15), credit("o2", 15, 15)}},
		"an old state":               {porcupine.Illegal, [][2]any{credit("o1", 25, 25), gift("k1", 1, results{balance: 15}), gift("k2", 1, results{balance: 15})}},
	} {
		var ops []porcupine.Operation
		for i, step := range tt.steps {
			ops = append(ops, porcupine.Operation{Input: step[0], Call: int64(2 * i), Output: step[1], Return: int64(2*i + 1)})
		}
		if got := porcupine.CheckOperationsTimeout(walletModel, ops, time.Minute); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}
