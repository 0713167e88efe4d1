package domain_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"roomlog/domain"
)

func TestFold(t *testing.T) {
	t.Run("is refused when the event belongs to another stream", func(t *testing.T) {
		if state, err := domain.Fold("wallet-13", nil, coinsCredited(viewer, 1)[0]); err == nil {
			t.Fatalf("got %+v", state)
		}
	})
	t.Run("is refused when the state has another type", func(t *testing.T) {
		if state, err := domain.Fold("wallet-12", domain.User{}, coinsCredited(viewer, 1)[0]); err == nil {
			t.Fatalf("got %+v", state)
		}
	})
	t.Run("is refused when the event is not in the catalogue", func(t *testing.T) {
		if state, err := domain.Fold("unknown-1", nil, unknownEvent{}); err == nil {
			t.Fatalf("got %+v", state)
		}
	})
	t.Run("counts ids besides the stream of the event", func(t *testing.T) {
		created := liveCreated(6)[0]
		if got, want := domain.FoldsInto(created), []domain.Stream{"live-6", "next-live"}; !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		state, err := domain.Fold("next-live", nil, created)
		if err != nil || state != (domain.Counter{Value: 6}) {
			t.Fatalf("got %+v, %v", state, err)
		}
		if got, want := domain.FoldsInto(joined(viewer, true, "p1")), []domain.Stream{"visit-6-12"}; !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

type unknownEvent struct{}

func (unknownEvent) Type() string          { return "unknown.happened.v1" }
func (unknownEvent) Stream() domain.Stream { return "unknown-1" }

func TestCounters(t *testing.T) {
	want := map[string]domain.Stream{
		"user.registered.v1": "next-user", "live.created.v1": "next-live", "gift.added.v1": "next-gift",
		"participant.entered.v1": "next-participant", "correction.proposed.v1": "next-correction",
		"chat_room.created.v1": "count-chatroom", "chat_room.removed.v1": "count-chatroom",
		"webhook.added.v1": "count-webhook", "webhook.removed.v1": "count-webhook",
	}
	for _, spec := range domain.Events {
		var counter domain.Stream
		if states := domain.FoldsInto(spec.Zero); len(states) > 1 {
			counter = states[1]
		}
		if counter != want[spec.Type] {
			t.Errorf("%s counts %q, want %q", spec.Type, counter, want[spec.Type])
		}
		if starts := strings.HasPrefix(string(counter), "next-"); domain.StartsStream(spec.Zero) != starts {
			t.Errorf("%s: starts a stream: %v, want %v", spec.Type, domain.StartsStream(spec.Zero), starts)
		}
		delete(want, spec.Type)
	}
	if len(want) > 0 {
		t.Errorf("no such events: %v", want)
	}
}

func TestMovesCoins(t *testing.T) {
	want := []string{"gift.send", "gift.refund", "ticket.buy", "ticket.refund", "correction.propose", "correction.approve", "correction.reject", "payout.request", "payout.capture", "payout.void", "order.place", "order.pay", "coins.credit"}
	for _, spec := range domain.Commands {
		if is := slices.Contains(want, spec.Type); spec.MovesCoins != is || domain.MovesCoins(spec.Zero) != is {
			t.Errorf("%s: moves coins %v, want %v", spec.Type, spec.MovesCoins, is)
		}
	}
}

func TestAsRefusal(t *testing.T) {
	refusal := &domain.Refusal{Code: domain.CodeBusy, Text: "later"}
	for _, err := range []error{refusal, fmt.Errorf("sending: %w", refusal)} {
		if got := domain.AsRefusal(err); got != refusal {
			t.Errorf("%v: got %v", err, got)
		}
	}
	for _, err := range []error{nil, errors.New("a fault")} {
		if got := domain.AsRefusal(err); got != nil {
			t.Errorf("%v: got %v", err, got)
		}
	}
	if refusal.Error() != "busy: later" {
		t.Errorf("got %s", refusal)
	}
}

// TestChinese checks the Chinese texts literally, because old clients compare them.
func TestChinese(t *testing.T) {
	want := map[domain.Code]string{
		domain.CodeTokenMissing:    "您没有权限访问该接口!",
		domain.CodeTokenExpired:    "token 已过期! 请重新获取令牌",
		domain.CodeTokenInvalid:    "Token 令牌不合法!",
		domain.CodeSessionEnded:    "Token 令牌不合法!",
		domain.CodeUserUnavailable: "用户不存在或已被禁用",
		domain.CodeLiveNotFound:    "直播间不存在",
		domain.CodeLiveNotStarted:  "直播间未开播",
		domain.CodeLiveEnded:       "直播间已结束",
		domain.CodeGiftNotFound:    "该礼物不存在",
		domain.CodeCoinsTooFew:     "金币不足，请先充值",
		domain.CodeCommentEmpty:    "评论不能为空",
		domain.CodeCommentTooLong:  "评论最多200个字",
		domain.CodeRateLimited:     "操作太频繁，请稍后再试",
		domain.CodeBusy:            "系统繁忙，请稍后再试",
		domain.CodeBadRequest:      "参数错误",
		domain.CodeTextInvalid:     "参数错误",
		"no_such_code":             "参数错误",
	}
	for code, text := range want {
		if code.Chinese() != text {
			t.Errorf("%s: got %s, want %s", code, code.Chinese(), text)
		}
	}
}

func TestStreamNames(t *testing.T) {
	if got := domain.WalletStream(12); got != "wallet-12" {
		t.Errorf("got %s", got)
	}
	for s, prefix := range map[domain.Stream]string{"visit-6-12": "visit", "order-a-b": "order", "demo": "demo", "": ""} {
		if s.Prefix() != prefix {
			t.Errorf("%s: got %s, want %s", s, s.Prefix(), prefix)
		}
	}
	for _, s := range []domain.Stream{"next-live", "demo-1", "", "-1"} {
		if spec, ok := domain.StateSpecOf(s); ok {
			t.Errorf("%s has the state %s", s, spec.Prefix)
		}
	}
	// Streams of different lives or users never have the same name, not even with negative ids.
	seen := map[domain.Stream]domain.ViewerJoined{}
	for _, l := range []domain.LiveID{-12, -6, -1, 0, 1, 6, 12, 61} {
		for _, u := range []domain.UserID{-12, -6, -1, 0, 1, 6, 12, 61} {
			e := domain.ViewerJoined{Live: l, User: u}
			if twin, twice := seen[e.Stream()]; twice {
				t.Errorf("%+v and %+v share %s", e, twin, e.Stream())
			}
			seen[e.Stream()] = e
		}
	}
}

// TestEventsFoldIntoTheStateOfTheirStream checks that folding an event and decoding a snapshot of its stream return the
// same type of state.
func TestEventsFoldIntoTheStateOfTheirStream(t *testing.T) {
	for _, spec := range domain.Events {
		state, err := domain.Fold(spec.Zero.Stream(), nil, spec.Zero)
		if err != nil {
			t.Errorf("%s: %v", spec.Type, err)
			continue
		}
		kind, ok := domain.StateSpecOf(spec.Zero.Stream())
		if !ok {
			t.Errorf("%s: the catalogue has no state for the prefix %s", spec.Type, spec.Zero.Stream().Prefix())
			continue
		}
		decoded, err := kind.Decode([]byte("{}"))
		if err != nil || reflect.TypeOf(decoded) != reflect.TypeOf(state) {
			t.Errorf("%s folds into %T, which is decoded as %T (%v)", spec.Type, state, decoded, err)
		}
		if _, stateless := state.(domain.Stateless); stateless != kind.Stateless {
			t.Errorf("%s: stateless %v, want %v", spec.Type, kind.Stateless, stateless)
		}
		if _, err := kind.Decode([]byte("[")); err == nil {
			t.Errorf("%s: decoded an invalid state", kind.Prefix)
		}
		if _, err := spec.Decode([]byte("[")); err == nil {
			t.Errorf("%s: decoded an invalid event", spec.Type)
		}
	}
}
