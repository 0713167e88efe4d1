package main_test

import (
	"archive/tar"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"roomlog/domain"
	"roomlog/projections/ledger"
	"roomlog/projections/projtest"
)

// tradeCoins does in each week what the random users do not: operators sell coins at the command line, change the share of the
// platform, correct with an approval, and set aside a credit that somebody has entered into the database by hand. The guests buy
// tickets and send a gift, which are refunded after the share has changed.
func (m *month) tradeCoins(n int) {
	m.Helper()
	ann, ben, cat := m.guests[0], m.guests[1], m.guests[2]
	eve, fay := domain.OperatorActor("eve"), domain.OperatorActor("fay")
	switch n {
	case 0:
		m.Execute(domain.Request{Actor: eve, Command: domain.CreditCoins{Order: "sold-at-the-desk", User: cat.ID, Coins: 300}})
		m.paidLive = ann.CreateLive("the show")
		ann.Send(domain.SetAccess{Live: m.paidLive, Access: domain.AccessPaid, Price: 30})
		ben.Send(domain.BuyTicket{Live: m.paidLive, Price: 30, Streamer: ann.ID})
	case 1:
		cat.Send(domain.BuyTicket{Live: m.paidLive, Price: 30, Streamer: ann.ID})
		m.refundTicket(ben)
	case 2:
		ben.Send(domain.BuyTicket{Live: m.paidLive, Price: 30, Streamer: ann.ID})
		m.gift = ben.Send(domain.SendGift{Live: m.finale, Gift: m.Gifts[1], Num: 2}).Position
		wallet := domain.WalletAccount(cat.ID)
		propose := domain.ProposeCorrection{Account: wallet, Coins: -40, Reason: "sold twice", Limit: 1, Period: 24 * time.Hour}
		proposed := func() domain.CorrectionID {
			return m.Execute(domain.Request{Actor: eve, Command: propose}).Events[0].Event.(domain.CorrectionProposed).Correction
		}
		m.Execute(domain.Request{Actor: fay, Command: domain.ApproveCorrection{Correction: proposed(), Account: wallet}})
		m.Execute(domain.Request{Actor: fay, Command: domain.RejectCorrection{Correction: proposed(), Reason: "was corrected before"}})
	case 3:
		m.Do(domain.SetShare{BasisPoints: 2500, Reason: "another contract"})
		m.refundTicket(cat)
		m.CatchUp()
		sent, received, err := m.Queries.SentGift(m.Context(), m.gift)
		if err != nil {
			m.Fatal(err)
		}
		ann.Send(domain.RefundGift{Position: m.gift, Reason: "by mistake", Sent: sent, Received: received})
		m.setAside(m.Users[0])
	}
}

// refundTicket refunds a ticket for the show.
func (m *month) refundTicket(of projtest.User) {
	m.Helper()
	m.CatchUp()
	ann := m.guests[0]
	ticket, err := m.Queries.TicketPosition(m.Context(), m.paidLive, of.ID)
	received, err2 := m.Queries.Received(m.Context(), domain.EarningsAccount(ann.ID))
	if err := errors.Join(err, err2); err != nil {
		m.Fatal(err)
	}
	ann.Send(domain.RefundTicket{Live: m.paidLive, User: of.ID, Reason: "ill", Streamer: ann.ID, Position: ticket, Received: received})
}

// setAside enters a credit into the database by hand, as somebody with all rights could. It states a wrong balance. An operator
// sets it aside.
func (m *month) setAside(of projtest.User) {
	m.Helper()
	position, stream := m.Head()+1, domain.WalletStream(of.ID)
	m.Exec(`INSERT INTO public.events (position, stream, version, event_id, type, payload, metadata, live_id, recorded_at)
		SELECT $1, $2, max(version) + 1, $3, 'coins.credited.v1', $4, '{"actor":"operator-mallory"}', NULL, public.clock_timestamp() FROM public.events WHERE stream = $2`,
		position, string(stream), uuid.Must(uuid.NewV7()),
		fmt.Sprintf(`{"user":%d,"order":"x","coins":77,"balance_after":999999,"postings":[{"account":"operator","amount":-77},{"account":"user-%[1]d","amount":77}]}`, of.ID))
	m.Store.Appended().Notify()
	m.CatchUp()
	m.Do(domain.SetEventAside{Position: position, Of: stream, EventType: "coins.credited.v1", Reason: "entered by hand"})
	m.CatchUp()
}

// hasEveryCoinEvent checks that every event that moves coins occurs in the month, and what belongs to it.
func (m *month) hasEveryCoinEvent() {
	m.Helper()
	want := []string{"share.set.v1", "event.set_aside.v1", "correction.proposed.v1", "correction.approved.v1", "correction.rejected.v1", "payout.requested.v1", "payout.captured.v1", "payout.voided.v1"}
	for _, spec := range domain.Events {
		if _, coins := spec.Zero.(domain.CoinEvent); coins {
			want = append(want, spec.Type)
		}
	}
	for _, kind := range want {
		if m.Int("SELECT count(*) FROM public.events WHERE type = $1", kind) == 0 {
			m.Errorf("the month has no %s", kind)
		}
	}
}

// settles compares the settlements of the streamer for each week and for the month with the pack, which the auditor has verified:
// each event with its id, and each sum. The sums of the weeks add up to those of the month.
func (m *month) settles(content []byte, ends []int64) {
	m.Helper()
	ids, lines := m.bookOf(content)
	streamer := m.guests[0].ID
	var weeks ledger.Settlement
	settle := func(after, upTo int64) (s ledger.Settlement) {
		m.Helper()
		err := ledger.Snapshot(m.Context(), m.Pool, func(l *ledger.Ledger) (err error) {
			s, err = l.Settlement(m.Context(), m.Store.ID(), streamer, after, upTo)
			return err
		})
		if err != nil {
			m.Fatal(err)
		}
		if got, want := fmt.Sprint(s.Opening, s.Gifts, s.Refunds, s.Tickets, s.Returned, s.Payouts, s.Corrections, s.Closing), m.sumsOf(lines, streamer, after, upTo); got != want {
			m.Errorf("positions %d to %d: the settlement has\n%s\nthe pack\n%s", after+1, upTo, got, want)
		}
		for _, e := range s.Events {
			if ids[e.Position] != e.ID {
				m.Errorf("position %d of the settlement has the id %s, the pack %s", e.Position, e.ID, ids[e.Position])
			}
			for _, line := range lines {
				if line.position == e.Position && line.refunds != e.Refunds {
					m.Errorf("position %d of the settlement refunds %d, in the pack %d", e.Position, e.Refunds, line.refunds)
				}
			}
		}
		return s
	}
	after := int64(0)
	for _, end := range ends {
		s := settle(after, end)
		if s.Opening != weeks.Closing {
			m.Errorf("the week after position %d begins with %+v, the one before has left %+v", after, s.Opening, weeks.Closing)
		}
		weeks.Gifts, weeks.Refunds = plus(weeks.Gifts, s.Gifts), plus(weeks.Refunds, s.Refunds)
		weeks.Tickets, weeks.Returned = plus(weeks.Tickets, s.Tickets), plus(weeks.Returned, s.Returned)
		weeks.Payouts.Requested, weeks.Payouts.PaidOut, weeks.Payouts.Void = weeks.Payouts.Requested+s.Payouts.Requested, weeks.Payouts.PaidOut+s.Payouts.PaidOut, weeks.Payouts.Void+s.Payouts.Void
		weeks.Corrections, weeks.Closing = weeks.Corrections+s.Corrections, s.Closing
		weeks.Events = append(weeks.Events, s.Events...)
		after = end
	}
	all := settle(0, after)
	weeks.Format, weeks.Log, weeks.Streamer, weeks.From, weeks.To = all.Format, all.Log, streamer, 1, after
	got, err := json.Marshal(weeks)
	want, err2 := json.Marshal(all)
	if err := errors.Join(err, err2); err != nil || !bytes.Equal(got, want) {
		m.Errorf("the weeks add up to\n%s\nthe month is\n%s\n%v", got, want, err)
	}
	if p := all.Payouts; all.Gifts.Count < 4 || all.Refunds.Count == 0 || all.Tickets.Count != 3 || all.Returned.Count != 2 || p.PaidOut == 0 || p.Void == 0 || p.Requested == p.PaidOut+p.Void || all.Corrections == 0 {
		m.Errorf("a kind of event is missing: %s", want)
	}
}

func plus(a, b ledger.GiftSums) ledger.GiftSums {
	return ledger.GiftSums{Count: a.Count + b.Count, Gross: a.Gross + b.Gross, Share: a.Share + b.Share, Net: a.Net + b.Net}
}

// postedLine is a line of the statements in a pack.
type postedLine struct {
	position, refunds int64
	account, kind     string
	amount            domain.Coins
}

// bookOf returns the ids of the events in a pack by position, and the lines of its statements, as another program reads them.
func (m *month) bookOf(content []byte) (ids map[int64]string, lines []postedLine) {
	m.Helper()
	ids = map[int64]string{}
	number := func(text string) int64 {
		n, err := strconv.ParseInt("0"+text, 10, 64)
		if strings.HasPrefix(text, "-") {
			n, err = strconv.ParseInt(text, 10, 64)
		}
		if err != nil {
			m.Fatal(err)
		}
		return n
	}
	for r := tar.NewReader(bytes.NewReader(content)); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return ids, lines
		}
		if err != nil {
			m.Fatal(err)
		}
		switch header.Name {
		case "events.ndjson":
			var e struct {
				Position int64
				ID       string `json:"event_id"`
			}
			for decoder := json.NewDecoder(r); decoder.Decode(&e) == nil; {
				ids[e.Position] = e.ID
			}
		case "statements.csv":
			all, err := csv.NewReader(r).ReadAll()
			if err != nil {
				m.Fatal(err)
			}
			for _, line := range all[1:] {
				lines = append(lines, postedLine{position: number(line[0]), account: line[2], amount: domain.Coins(number(line[4])), kind: line[6], refunds: number(line[11])})
			}
		}
	}
}

// sumsOf computes the sums of a settlement from the statements of a pack, in the form of settles.
func (m *month) sumsOf(lines []postedLine, streamer domain.UserID, after, upTo int64) string {
	earnings, held := string(domain.EarningsAccount(streamer)), string(domain.HeldAccount(streamer))
	var opening, closing ledger.Owed
	sums := map[string]*ledger.GiftSums{"gift.sent.v2": {}, "gift.refunded.v2": {}, "ticket.bought.v1": {}, "ticket.refunded.v2": {}}
	var payouts ledger.PayoutSums
	var corrections domain.Coins
	of := map[int64]bool{} // positions of events that move coins of the streamer
	for _, line := range lines {
		of[line.position] = of[line.position] || line.account == earnings || line.account == held
	}
	for _, line := range lines {
		for _, at := range []struct {
			position int64
			owed     *ledger.Owed
		}{{after, &opening}, {upTo, &closing}} {
			switch {
			case line.position > at.position:
			case line.account == earnings:
				at.owed.Earnings += line.amount
			case line.account == held:
				at.owed.Held += line.amount
			}
		}
		if line.position <= after || line.position > upTo || !of[line.position] {
			continue
		}
		sum := sums[line.kind]
		switch {
		case sum != nil && line.account == earnings:
			sum.Count, sum.Net = sum.Count+1, sum.Net+line.amount
		case sum != nil && line.account == "platform":
			sum.Share += line.amount
		case sum != nil:
			sum.Gross -= line.amount
		case line.account == held && line.kind == "earnings.held.v1":
			payouts.Requested += line.amount
		case line.account == held && line.kind == "earnings.paid_out.v1":
			payouts.PaidOut -= line.amount
		case line.account == held && line.kind == "earnings.released.v1":
			payouts.Void -= line.amount
		case line.account == earnings && line.kind == "earnings.corrected.v1":
			corrections += line.amount
		}
	}
	return fmt.Sprint(opening, *sums["gift.sent.v2"], *sums["gift.refunded.v2"], *sums["ticket.bought.v1"], *sums["ticket.refunded.v2"], payouts, corrections, closing)
}
