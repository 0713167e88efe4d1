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
