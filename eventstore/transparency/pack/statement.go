package pack

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"roomlog/domain"
	"roomlog/eventstore/transparency"
)

// statementHeader contains the columns of the statements. Packs of the first format lack the last three.
var statementHeader = []string{"position", "recorded_at", "account", "counterparty", "amount", "balance", "type", "order", "live", "gift", "actor", "refunds", "payout", "correction"}

// statement writes one line for each posting, in the order of the log. The lines of one account are its statement.
type statement struct {
	to      io.Writer
	columns int
	line    bytes.Buffer
	csv     *csv.Writer
}

// newStatement returns the statements of a pack of a format.
func newStatement(to io.Writer, of string) (*statement, error) {
	s := &statement{to: to, columns: len(statementHeader)}
	if of == format1 {
		s.columns -= 3
	}
	s.csv = csv.NewWriter(&s.line)
	return s, errors.Join(s.csv.Write(statementHeader[:s.columns]), s.flush())
}

// write writes the postings of an event that was applied to accounts.
func (s *statement) write(e *transparency.Event, coins domain.CoinEvent, accounts map[domain.Account]*account) error {
	var metadata struct {
		Actor string `json:"actor"`
	}
	if err := json.Unmarshal(e.Metadata, &metadata); err != nil {
		return &Fault{Position: e.Position, Text: "the metadata cannot be read: " + err.Error()}
	}
	p := purposeOf(coins)
	postings := coins.EventPostings()
	for i, of := range postings {
		after := accounts[of.Account].closing
		for _, later := range postings[i+1:] {
			if later.Account == of.Account {
				after -= later.Amount
			}
		}
		line := []string{
			strconv.FormatInt(e.Position, 10), time.UnixMicro(e.RecordedAt).UTC().Format(timeLayout), string(of.Account), counterparty(postings, i),
			coinText(of.Amount), coinText(after), e.Type, string(p.order), idText(p.live), idText(p.gift), metadata.Actor,
			idText(p.refunds), string(p.payout), idText(p.correction)}
		err := s.csv.Write(line[:s.columns])
		if err != nil {
			return err
		}
	}
	return s.flush()
}

// purpose identifies the order, gift, ticket, refund, payout or correction for which an event has moved coins. Fields
// that do not apply are zero.
type purpose struct {
	order      domain.OrderID
	live       domain.LiveID // live of the gift or the ticket
	gift       domain.GiftID
	refunds    int64 // position of the gift, or of the payment of the ticket, that was refunded
	payout     domain.PayoutID
	correction domain.CorrectionID
}

// purposeOf returns the purpose for which an event has moved coins.
func purposeOf(coins domain.CoinEvent) purpose {
	switch e := coins.(type) {
	case domain.CoinsCredited:
		return purpose{order: e.Order}
	case domain.GiftSent:
		return purpose{live: e.Live, gift: e.Gift}
	case domain.GiftRefunded:
		return purpose{live: e.Live, gift: e.Gift, refunds: e.Position}
	case domain.TicketBought:
		return purpose{live: e.Live}
	case domain.TicketRefunded:
		return purpose{live: e.Live, refunds: e.Position}
	case domain.EarningsHeld:
		return purpose{payout: e.Payout}
	case domain.EarningsPaidOut:
		return purpose{payout: e.Payout}
	case domain.EarningsReleased:
		return purpose{payout: e.Payout}
	case domain.CoinsCorrected:
		return purpose{correction: e.Correction}
	case domain.EarningsCorrected:
		return purpose{correction: e.Correction}
	}
	return purpose{}
}

// idText returns an id or a position, or "" for 0.
func idText[N ~int64](n N) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(int64(n), 10)
}

// counterparty returns the accounts of the other postings of an event.
func counterparty(postings []domain.Posting, i int) string {
	var others []string
	for j, p := range postings {
		if j != i {
			others = append(others, string(p.Account))
		}
	}
	return strings.Join(others, " ")
}

func (s *statement) flush() error {
	s.csv.Flush()
	_, err := s.to.Write(s.line.Bytes())
	s.line.Reset()
	return err
}
