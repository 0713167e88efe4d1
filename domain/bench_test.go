package domain_test

import (
	"testing"

	"roomlog/domain"
)

func BenchmarkSendGift(b *testing.B) {
	w := after(b, events(testUsers(), liveOnAir(6), giftAdded(3, 30), coinsCredited(viewer, domain.MaxCoins)))
	r := domain.Request{Command: domain.SendGift{Live: 6, Gift: 3, Num: 1}, Actor: asUser(viewer), IdempotencyKey: "k1"}
	states := w.statesFor(r)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := domain.Decide(r, now, states); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSendReportToFullQueue decides about a report in a live with 200 open reports of 20 users each, and 500 bans.
func BenchmarkSendReportToFullQueue(b *testing.B) {
	given := events(testUsers(), liveOnAir(6), []domain.Event{joined(viewer, true, "p1"), joined(otherUser, true, "p1")}, fullQueue(func(report int64) (by []domain.UserID) {
		for n := range int64(20) {
			by = append(by, domain.UserID(10_000+report*20+n))
		}
		return by
	}))
	for n := range domain.UserID(500) {
		given = append(given, domain.ViewerBanned{Live: 6, User: 1000 + n})
	}
	w := after(b, given)
	r := domain.Request{Command: domain.SendReport{Live: 6, User: otherUser, Cause: domain.ReportSpam}, Actor: asUser(viewer)}
	states := w.statesFor(r)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := domain.Decide(r, now, states); err != nil {
			b.Fatal(err)
		}
	}
}
