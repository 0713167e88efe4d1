package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"roomlog/api"
	"roomlog/api/payment"
	"roomlog/domain"
)

func TestListGifts(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	if got := string(d.get("/api/gift/list").raw); !strings.Contains(got, `"data":[]`) {
		t.Fatalf("an empty catalogue is %s", got)
	}
	rose, car := d.gift("Rose", 30), d.gift("Car", 5000)
	d.operator(domain.WithdrawGift{Gift: car})
	var got []struct {
		ID          domain.GiftID
		Name, Image string
		Coin        int
	}
	d.get("/api/gift/list").ok(&got).keysOf("data [0]", "id", "name", "image", "coin")
	if len(got) != 1 || got[0].ID != rose || got[0].Name != "Rose" || got[0].Coin != 30 || got[0].Image != "https://example.com/g.png" {
		t.Fatalf("got %+v", got)
	}
}

type orderForm struct {
	Order domain.OrderID
	Price int64
	Coin  int64
	Pay   map[string]string
}

func (a account) order(price int64) orderForm {
	a.Helper()
	var o orderForm
	a.post("/api/gift/wxpay", object{"price": price}).ok(&o)
	return o
}

const paymentSecret = "a secret of the payment provider"

func provider(t testing.TB) payment.SharedSecret {
	t.Helper()
	p, err := payment.NewSharedSecret([]string{paymentSecret})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// reportPayment sends a callback of the payment provider.
func (d *testAPI) reportPayment(p payment.Payment, signature ...string) reply {
	d.Helper()
	body, err := json.Marshal(p)
	if err != nil {
		d.Fatal(err)
	}
	signature = append(signature, provider(d).Sign(body))
	return d.post("/api/gift/notify", string(body), payment.SignatureHeader, signature[0])
}

func (a account) coins() (coins int64) {
	a.Helper()
	var me struct{ Coin int64 }
	a.get("/api/user/info").ok(&me)
	return me.Coin
}

func TestTopUp(t *testing.T) {
	t.Parallel()
	d := startAPI(t, func(c *api.Config) { c.CoinsPerUnit = 7 })
	a, b := d.account("alice"), d.account("bob")
	o := a.order(30)
	if o.Price != 30 || o.Coin != 210 || o.Order == "" || o.Pay["order"] != string(o.Order) {
		t.Fatalf("got %+v", o)
	}
	if a.coins() != 0 {
		t.Fatal("an order credited coins before it was paid")
	}
	right := payment.Payment{Order: o.Order, User: a.ID, Price: 30}
	t.Run("a wrong signature is refused", func(t *testing.T) {
		d.reportPayment(right, strings.Repeat("0", 64)).expectFailure(401, "signature_invalid", "签名错误")
		d.post("/api/gift/notify", `{"order":"x"}`).expectFailure(401, "signature_invalid", "签名错误")
	})
	t.Run("another amount is refused", func(t *testing.T) {
		d.reportPayment(payment.Payment{Order: o.Order, User: a.ID, Price: 31}).expectFailure(409, domain.CodeOrderMismatch, "订单信息不一致")
	})
	t.Run("another user is refused", func(t *testing.T) {
		d.reportPayment(payment.Payment{Order: o.Order, User: b.ID, Price: 30}).expectFailure(409, domain.CodeOrderMismatch, "订单信息不一致")
	})
	t.Run("another order is refused", func(t *testing.T) {
		d.reportPayment(payment.Payment{Order: "O9", User: a.ID, Price: 30}).expectFailure(404, domain.CodeOrderNotFound, "订单不存在")
	})
	t.Run("an invalid body is refused", func(t *testing.T) {
		d.post("/api/gift/notify", "{", payment.SignatureHeader, provider(t).Sign([]byte("{"))).expectFailure(400, domain.CodeBadRequest, textBad)
	})
	t.Run("refusals are logged as errors, without secrets", func(t *testing.T) {
		log := d.log.String()
		for _, cause := range []string{"invalid signature", "order_mismatch", "order_not_found", "invalid body"} {
			found := false
			for line := range strings.Lines(log) {
				found = found || strings.Contains(line, "level=ERROR") && strings.Contains(line, "payment refused") && strings.Contains(line, cause)
			}
			if !found {
				t.Errorf("no error is logged for %s", cause)
			}
		}
		if strings.Contains(log, paymentSecret) || strings.Contains(log, a.Token) || strings.Contains(log, testPassword) {
			t.Error("the log has a secret")
		}
	})
	if a.coins() != 0 || b.coins() != 0 {
		t.Fatal("a refused payment was credited")
	}
	t.Run("concurrent and repeated reports credit once", func(t *testing.T) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { d.reportPayment(right).ok(nil) })
		}
		all.Wait()
		var data string
		d.reportPayment(right).ok(&data)
		if got := a.coins(); got != 210 || data != "ok" {
			t.Fatalf(`%d coins, %q, want 210, "ok"`, got, data)
		}
	})
	t.Run("a paid order refuses another amount", func(t *testing.T) {
		d.reportPayment(payment.Payment{Order: o.Order, User: a.ID, Price: 1}).expectFailure(409, domain.CodeOrderMismatch, "订单信息不一致")
		if got := a.coins(); got != 210 {
			t.Fatalf("%d coins, want 210", got)
		}
	})
	t.Run("repeats the order for the same idempotency key", func(t *testing.T) {
		first := a.post("/api/gift/wxpay", object{"price": 5}, "Idempotency-Key", "k")
		second := a.post("/api/gift/wxpay", object{"price": 5}, "Idempotency-Key", "k")
		if string(first.raw) != string(second.raw) {
			t.Fatalf("%s\n%s", first.raw, second.raw)
		}
	})
	t.Run("two users may use the same idempotency key", func(t *testing.T) {
		b.post("/api/gift/wxpay", object{"price": 6}, "Idempotency-Key", "k").ok(nil)
	})
	for _, price := range []any{0, -1, 1.5, "0", "1.5", nil, "x", int64(1_000_001), int64(1) << 62, json.RawMessage("99999999999999999999")} {
		t.Run(fmt.Sprintf("refuses a price of %v", price), func(t *testing.T) {
			if got := a.post("/api/gift/wxpay", object{"price": price}); got.status != 400 {
				t.Fatalf("got %d %s, want 400", got.status, got.raw)
			}
		})
	}
	a.post("/api/gift/wxpay", object{"price": 1_000_001}).expectFailure(400, domain.CodeNumberOutOfRange, textBad)
}

func TestRefundGift(t *testing.T) {
	t.Parallel()
	d := startAPI(t)
	a, b, c := d.account("alice"), d.account("bob"), d.account("carol")
	rose, live := d.gift("Rose", 10), b.onAir("show")
	a.credit(100)
	a.command(domain.SendGift{Live: live, Gift: rose, Num: 3})
	var gifts part[struct{ Position, Refunded int64 }]
	b.get("/api/gift/history").ok(&gifts)
	position := gifts.Items[0].Position
	body := object{"position": position, "reason": "by mistake"}
	a.post("/api/gift/refund", body).expectFailure(404, domain.CodeLiveNotFound, "直播间不存在")
	c.post("/api/gift/refund", object{"position": position + 1, "reason": "why"}).expectFailure(404, domain.CodeGiftRecordNotFound, "礼物记录不存在")
	var first, again, refunded struct{ Position, Coin int64 }
	b.post("/api/gift/refund", body, "Idempotency-Key", "k").ok(&first)
	b.post("/api/gift/refund", body, "Idempotency-Key", "k").ok(&again)
	if first != again || first.Coin != 30 {
		t.Errorf("got %+v, then %+v", first, again)
	}
	b.post("/api/gift/refund", body).expectFailure(400, domain.CodeGiftRefunded, "该礼物已退款")
	b.get("/api/gift/history").ok(&gifts)
	if gifts.Items[0].Refunded != first.Position {
		t.Errorf("got %+v", gifts.Items)
	}
	var info struct{ Coin int64 }
	a.get("/api/user/info").ok(&info)
	if info.Coin != 100 {
		t.Errorf("the sender has %d coins", info.Coin)
	}
	a.command(domain.SendGift{Live: live, Gift: rose, Num: 1})
	b.get("/api/gift/history").ok(&gifts)
	operator := c.grant(domain.RoleOperator)
	operator.post("/api/gift/refund", object{"position": gifts.Items[0].Position, "reason": "on appeal"}).ok(&refunded)
	if refunded.Coin != 10 {
		t.Errorf("got %+v", refunded)
	}
}
