package pack

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"roomlog/domain"
	"roomlog/eventstore/transparency"
)

// Maximum numbers of what a book keeps in memory.
const (
	maxAccounts = 4_000_000
	maxPending  = 1000
	maxTickets  = 4_000_000 // maximum number of tickets that were not refunded
)

// book contains the accounts of the double-entry bookkeeping. It applies coin events, and keeps those that it cannot
// apply until an event sets them aside.
type book struct {
	accounts map[domain.Account]*account
	pending  []wrongEvent
	aside    int64 // number of events that were set aside
	postings int64
	payments map[ticket]int64 // positions of the payments of the tickets that were not refunded
	from     int64            // position of the first event that the book has seen; the payments of earlier tickets are unknown
}

// ticket is a ticket of a user for a live.
type ticket struct {
	live domain.LiveID
	user domain.UserID
}

// wrongEvent is a coin event that contradicts the bookkeeping.
type wrongEvent struct {
	position     int64
	stream, kind string
	err          error
}

// newBook returns an empty book. from is the position of the first event that will be applied.
func newBook(from int64) *book {
	return &book{accounts: map[domain.Account]*account{}, payments: map[ticket]int64{}, from: from}
}

// coinDecoders contains a function for each event type that moves coins, including the types of earlier versions.
var coinDecoders = func() map[string]func(payload []byte) (domain.Event, error) {
	all := map[string]func(payload []byte) (domain.Event, error){}
	for _, spec := range domain.Events {
		if _, coins := spec.Zero.(domain.CoinEvent); !coins {
			continue
		}
		all[spec.Type] = spec.Decode
		for older, upcast := range spec.Upcasters {
			all[older] = func(payload []byte) (domain.Event, error) {
				newer, err := upcast(payload)
				if err != nil {
					return nil, err
				}
				return spec.Decode(newer)
			}
		}
	}
	return all
}()

// knownTypes contains the types of all events, including those of earlier versions.
var knownTypes = func() map[string]bool {
	all := map[string]bool{}
	for _, spec := range domain.Events {
		all[spec.Type] = true
		for older := range spec.Upcasters {
			all[older] = true
		}
	}
	return all
}()

// ErrUnknownType means that a newer version of the program has written an event.
var ErrUnknownType = errors.New("this program does not know the event type: use the roomlog that wrote it, or a newer one")

// apply applies an event, and writes its postings to the statement, if one is given. It fails only if it cannot continue.
func (b *book) apply(e *transparency.Event, to *statement) error {
	decode := coinDecoders[e.Type]
	switch {
	case decode != nil:
		coins, err := b.post(e, decode, to != nil)
		switch {
		case err == nil && to != nil:
			return to.write(e, coins, b.accounts)
		case err != nil && len(b.pending) == maxPending:
			return b.fault()
		case err != nil:
			b.pending = append(b.pending, wrongEvent{e.Position, e.Stream, e.Type, err})
		}
	case e.Type == setAsideType:
		b.setAside(e)
	case !knownTypes[e.Type]:
		return fmt.Errorf("position %d, %s: %w", e.Position, e.Type, ErrUnknownType)
	}
	return nil
}

// post checks a coin event and adds its postings to the accounts. It changes nothing if it fails.
func (b *book) post(at *transparency.Event, decode func([]byte) (domain.Event, error), inRange bool) (domain.CoinEvent, error) {
	decoded, err := decode(at.Payload)
	if err != nil {
		return nil, err
	}
	coins, stream := decoded.(domain.CoinEvent), domain.Stream(at.Stream)
	if err := domain.CheckCoinEvent(stream, coins); err != nil {
		return nil, err
	}
	number, found := strings.CutPrefix(at.Stream, "wallet-")
	if user, err := strconv.ParseInt(number, 10, 64); found && err == nil {
		before := domain.Wallet{}
		if wallet := b.accounts[domain.WalletAccount(domain.UserID(user))]; wallet != nil {
			before.Balance = wallet.closing
		}
		if _, err := domain.Fold(stream, before, coins); err != nil {
			return nil, err
		}
	}
	if err := b.checkTicket(coins, inRange); err != nil {
		return nil, err
	}
	postings := coins.EventPostings()
	for i, p := range postings {
		if err = b.add(p); err != nil {
			for _, done := range postings[:i] {
				b.undo(done)
			}
			return nil, err
		}
	}
	b.postings += int64(len(postings))
	switch e := coins.(type) {
	case domain.TicketBought:
		b.payments[ticket{e.Live, e.User}] = at.Position
	case domain.TicketRefunded:
		delete(b.payments, ticket{e.Live, e.User})
	}
	return coins, nil
}

// checkTicket checks that the refund of a ticket in the range names the position of the payment, if the book has seen
// the payment. Events before the range only change balances, so their refunds are not checked. It also limits the
// number of tickets that the book keeps.
func (b *book) checkTicket(coins domain.CoinEvent, inRange bool) error {
	switch e := coins.(type) {
	case domain.TicketBought:
		if len(b.payments) >= maxTickets {
			return errTooManyTickets
		}
	case domain.TicketRefunded:
		paid, known := b.payments[ticket{e.Live, e.User}]
		if inRange && e.Position != 0 && (known || e.Position >= b.from) && e.Position != paid {
			return fmt.Errorf("the ticket of user %d for live %d was paid at position %d, not %d", e.User, e.Live, paid, e.Position)
		}
	}
	return nil
}

func (b *book) add(p domain.Posting) error {
	a := b.accounts[p.Account]
	if a == nil {
		if len(b.accounts) >= maxAccounts {
			return errTooManyAccounts
		}
		a = &account{}
		b.accounts[p.Account] = a
	}
	after := a.closing + p.Amount
	if err := p.Account.CheckBalance(after); err != nil {
		return err
	}
	a.closing = after
	if p.Amount > 0 {
		a.in += p.Amount
	} else {
		a.out -= p.Amount
	}
	return nil
}

func (b *book) undo(p domain.Posting) {
	a := b.accounts[p.Account]
	a.closing -= p.Amount
	if p.Amount > 0 {
		a.in -= p.Amount
	} else {
		a.out += p.Amount
	}
}

var (
	errTooManyAccounts = fmt.Errorf("there are more than %d accounts", maxAccounts)
	errTooManyTickets  = fmt.Errorf("there are more than %d tickets that were not refunded", maxTickets)
)

var setAsideType = domain.EventSetAside{}.Type()

// setAside removes the event that e sets aside from those that could not be applied.
func (b *book) setAside(e *transparency.Event) {
	var of domain.EventSetAside
	if json.Unmarshal(e.Payload, &of) != nil {
		return
	}
	before := len(b.pending)
	b.pending = slices.DeleteFunc(b.pending, func(w wrongEvent) bool {
		return w.position == of.Position && w.stream == string(of.Of) && w.kind == of.EventType
	})
	b.aside += int64(before - len(b.pending))
}

// fault returns the first event that could not be applied and was not set aside, or nil.
func (b *book) fault() error {
	if len(b.pending) == 0 {
		return nil
	}
	return &Fault{Position: b.pending[0].position, Text: b.pending[0].err.Error()}
}

// startRange begins the range: the current balances become the balances before the range.
func (b *book) startRange() {
	for name, a := range b.accounts {
		if a.closing == 0 {
			delete(b.accounts, name)
			continue
		}
		*a = account{opening: a.closing, closing: a.closing}
	}
	b.pending, b.postings, b.aside = nil, 0, 0
}

// closing returns the balances of all accounts that are not zero.
func (b *book) closing() map[domain.Account]domain.Coins {
	all := map[domain.Account]domain.Coins{}
	for name, a := range b.accounts {
		if a.closing != 0 {
			all[name] = a.closing
		}
	}
	return all
}

var trialBalanceHeader = []string{"account", "opening", "in", "out", "closing"}

// writeTrialBalance writes the accounts that had coins before the range, and those that have postings in the range.
func (b *book) writeTrialBalance(to io.Writer) error {
	w := csv.NewWriter(to)
	err := w.Write(trialBalanceHeader)
	for _, name := range slices.Sorted(maps.Keys(b.accounts)) {
		a := b.accounts[name]
		if a.opening == 0 && a.in == 0 && a.out == 0 {
			continue // only an event that was not applied has named it
		}
		err = errors.Join(err, w.Write([]string{string(name), coinText(a.opening), coinText(a.in), coinText(a.out), coinText(a.closing)}))
	}
	w.Flush()
	return errors.Join(err, w.Error())
}

// maxBalanceLine is the maximum size of a line of a trial balance in bytes.
const maxBalanceLine = 1024

// readOpening reads the balances before the range from a trial balance. They must add up to zero.
func (b *book) readOpening(from io.Reader) error {
	lines := bufio.NewReaderSize(from, maxBalanceLine)
	sum := domain.Coins(0)
	for number := 1; ; number++ {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		if err == nil && number > 1 {
			err = b.addOpening(string(line), &sum)
		}
		if err != nil {
			return &Fault{File: trialBalanceFile, Text: fmt.Sprintf("line %d: %v", number, err)}
		}
	}
	if sum != 0 {
		return &Fault{File: trialBalanceFile, Text: fmt.Sprintf("the balances before the range add up to %d, not to 0", sum)}
	}
	return nil
}

// addOpening reads the balance before the range from one line. It leaves the other columns to the comparison at the end.
func (b *book) addOpening(line string, sum *domain.Coins) error {
	fields := strings.Split(line, ",")
	if len(fields) != len(trialBalanceHeader) {
		return fmt.Errorf("the line has %d columns, expected %d", len(fields), len(trialBalanceHeader))
	}
	name := domain.Account(strings.Clone(fields[0]))
	n, err := strconv.ParseInt(fields[1], 10, 64)
	balance := domain.Coins(n)
	switch {
	case err != nil:
		return err
	case n == 0:
		return nil
	case b.accounts[name] != nil:
		return fmt.Errorf("the account %s occurs twice", name)
	case len(b.accounts) >= maxAccounts:
		return errTooManyAccounts
	}
	b.accounts[name] = &account{opening: balance, closing: balance}
	*sum += balance
	return name.CheckBalance(balance)
}
