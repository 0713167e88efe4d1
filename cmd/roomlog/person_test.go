package main_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// person is a user with an account, who sends requests to one server and opens sockets to it.
type person struct {
	t     testing.TB
	at    *process
	name  string
	id    int64
	token string
	from  net.IP // address of the user's connections; nil: 127.0.0.1
}

// transport returns the HTTP transport for requests of the user.
func (p *person) transport() *http.Transport {
	return &http.Transport{DialContext: p.dialer().DialContext, DisableKeepAlives: true}
}

func (p *person) dialer() *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: p.from}, Timeout: timeout}
}

// answer is the envelope of a REST response.
type answer struct {
	Msg  string          `json:"msg"`
	Data json.RawMessage `json:"data"`
	Code string          `json:"code"`
}

// join registers a user and signs the user in.
func join(t testing.TB, at *process, name string) *person {
	t.Helper()
	p := &person{t: t, at: at, name: name}
	form := map[string]any{"username": name, "password": "secret of " + name, "repassword": "secret of " + name}
	p.post("/api/reg", form, nil)
	p.signIn()
	return p
}

func (p *person) signIn() {
	p.t.Helper()
	var me struct {
		ID    int64  `json:"id"`
		Token string `json:"token"`
	}
	p.post("/api/login", map[string]any{"username": p.name, "password": "secret of " + p.name}, &me)
	p.id, p.token = me.ID, me.Token
}

// post sends a request, requires a successful response, and decodes the data into to. It repeats the request while the
// server is busy, as clients do.
func (p *person) post(path string, body, to any) {
	p.t.Helper()
	p.call(http.MethodPost, path, body, to)
}

func (p *person) get(path string, to any) {
	p.t.Helper()
	p.call(http.MethodGet, path, nil, to)
}

func (p *person) call(method, path string, body, to any) {
	p.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	var status int
	var raw []byte
	var a answer
	eventually(p.t, "the server is not busy", func() bool {
		status, raw = p.do(method, path, http.Header{"Content-Type": {"application/json"}}, text)
		a = answer{}
		err = json.Unmarshal(raw, &a)
		return status != http.StatusServiceUnavailable || a.Code != "busy"
	})
	if err != nil || status != http.StatusOK || a.Msg != "ok" {
		p.t.Fatalf(`%s %s %s: status %d, %s, want %v, a.Msg "ok"`, method, path, text, status, raw, http.StatusOK)
	}
	if to != nil {
		if err := json.Unmarshal(a.Data, to); err != nil {
			p.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
}

// do sends a request with the user's token.
func (p *person) do(method, path string, header http.Header, body []byte) (int, []byte) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, "http://"+p.at.addr+path, bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if p.token != "" {
		r.Header.Set("token", p.token)
	}
	client := http.Client{Timeout: timeout}
	if p.from != nil {
		client.Transport = p.transport()
	}
	response, err := client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	socket := r.URL.Path == "/ws" || strings.HasPrefix(r.URL.Path, "/socket.io") // the OpenAPI document leaves them out
	if p.at.servesAPI() && !socket {
		if err := p.at.checker().Check(method, r.URL.Path, response.StatusCode, response.Header, raw); err != nil {
			p.t.Error(err)
		}
	}
	return response.StatusCode, raw
}

// open creates a live and puts it on air.
func (p *person) open(title string) (live int64) {
	p.t.Helper()
	var made struct {
		Data struct {
			ID  int64  `json:"id"`
			Key string `json:"key"`
		} `json:"data"`
		Sign string `json:"sign"`
	}
	p.post("/api/live/create", map[string]any{"title": title, "cover": ""}, &made)
	if len(made.Data.Key) != 20 || made.Sign == "" {
		p.t.Fatalf("a new room has no key or no sign: %+v", made)
	}
	p.post("/api/live/changestatus", map[string]any{"id": made.Data.ID, "type": "play"}, nil)
	return made.Data.ID
}

// topUp orders coins and sends the callback of the payment provider several times.
func (p *person) topUp(price, times int) {
	p.t.Helper()
	var order struct {
		Order string `json:"order"`
	}
	p.post("/api/gift/wxpay", map[string]any{"price": price}, &order)
	body := fmt.Appendf(nil, `{"order":%q,"user":%d,"price":%d}`, order.Order, p.id, price)
	mac := hmac.New(sha256.New, []byte(paymentSecret))
	mac.Write(body)
	signature := http.Header{"X-Signature": {hex.EncodeToString(mac.Sum(nil))}}
	for range times {
		if status, raw := p.do(http.MethodPost, "/api/gift/notify", signature, body); status != http.StatusOK {
			p.t.Fatalf("the payment provider got %d, %s", status, raw)
		}
	}
}

// coins returns the user's balance.
func (p *person) coins() int64 {
	p.t.Helper()
	var me struct {
		Coin int64 `json:"coin"`
	}
	p.get("/api/user/info", &me)
	return me.Coin
}

// viewers returns the ids of the viewers of a live.
func (p *person) viewers(live int64) (ids []int64) {
	p.t.Helper()
	var found struct {
		Items []struct {
			User named `json:"user"`
		} `json:"items"`
	}
	p.get(fmt.Sprintf("/api/live/%d/viewers?present=true", live), &found)
	for _, v := range found.Items {
		ids = append(ids, v.User.ID)
	}
	return ids
}
