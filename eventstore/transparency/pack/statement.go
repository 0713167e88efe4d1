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

var statementHeader = []string{"position", "recorded_at", "account", "counterparty", "amount", "balance", "type", "order", "live", "gift", "actor"}

// statement writes one line for each posting, in the order of the log. The lines of one account are its statement.
type statement struct {
	to   io.Writer
	line bytes.Buffer
	csv  *csv.Writer
}

func newStatement(to io.Writer) (*statement, error) {
	s := &statement{to: to}
	s.csv = csv.NewWriter(&s.line)
	return s, errors.Join(s.csv.Write(statementHeader), s.flush())
}

// write writes the postings of an event that was applied to accounts.
func (s *statement) write(e *transparency.Event, coins domain.CoinEvent, accounts map[domain.Account]*account) error {
	var metadata struct {
		Actor string `json:"actor"`
	}
	if err := json.Unmarshal(e.Metadata, &metadata); err != nil {
		return &Fault{Position: e.Position, Text: "the metadata cannot be read: " + err.Error()}
	}
	order, live, gift := purposeOf(coins)
	postings := coins.EventPostings()
	for i, p := range postings {
		after := accounts[p.Account].closing
		for _, later := range postings[i+1:] {
			if later.Account == p.Account {
				after -= later.Amount
			}
		}
		err := s.csv.Write([]string{
			strconv.FormatInt(e.Position, 10), time.UnixMicro(e.RecordedAt).UTC().Format(timeLayout), string(p.Account), counterparty(postings, i),
			coinText(p.Amount), coinText(after), e.Type, order, live, gift, metadata.Actor})
		if err != nil {
			return err
		}
	}
	return s.flush()
}

// purposeOf returns why coins moved: an order, a gift in a live, or a ticket for a live.
func purposeOf(coins domain.CoinEvent) (order, live, gift string) {
	switch e := coins.(type) {
	case domain.CoinsCredited:
		return string(e.Order), "", ""
	case domain.GiftRefunded:
		return "", strconv.FormatInt(int64(e.Live), 10), strconv.FormatInt(int64(e.Gift), 10)
	case domain.TicketBought:
		return "", strconv.FormatInt(int64(e.Live), 10), ""
	case domain.TicketRefunded:
		return "", strconv.FormatInt(int64(e.Live), 10), ""
	case domain.GiftSent:
		return "", strconv.FormatInt(int64(e.Live), 10), strconv.FormatInt(int64(e.Gift), 10)
	}
	return "", "", ""
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
