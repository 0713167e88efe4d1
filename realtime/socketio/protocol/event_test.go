package protocol_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"roomlog/realtime/socketio/protocol"
	"roomlog/realtime/socketio/siotest"
	"roomlog/realtime/ws"
	"roomlog/realtime/ws/wstest"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	siotest.Each(t, func(t *testing.T, o siotest.Options) {
		c, id := h.dial(t, o)
		for _, arguments := range []string{`1,"2",{"3":[true]}`, `"😀 a\u0000b </script>&"`, `null`, `""`, `[],{}`, `"שלום"`, `1e400`} {
			c.Send(`42["message",` + arguments + `]`)
			c.Expect(`42["message-back",` + arguments + `]`)
		}
		c.Send(`42["message"]`)
		c.Expect(`42["message-back"]`)
		c.Emit("nobody hears this", 1)
		c.Emit("own", "啊啊啊")
		c.Expect(fmt.Sprintf(`42[%q,"啊啊啊"]`, id))
		c.Send(`42456["message-with-ack",1,"2",{"3":[false]}]`)
		c.Expect(`43456[1,"2",{"3":[false]}]`)
		c.Send(`42["message-with-ack",1]`) // the server's handler does not acknowledge this event
		c.Send(`420["message-with-ack"]`)
		c.Expect(`430[]`)
		c.Emit("ask", "how are you?")
		c.Expect(`420["question","how are you?"]`)
		c.Send(`4377["answer to nothing"]`)
		c.Send(`430["fine",{"and":"you"}]`)
		c.Send(`430["twice"]`)
		c.Emit("message", "end")
		c.Expect(`42["message-back","end"]`)
		if got := wstest.Receive(t, h.answers, "the answer"); !slices.Equal(got, []string{`"fine"`, `{"and":"you"}`}) {
			t.Errorf("got the acknowledgement %q", got)
		}
	})
}

func TestUnansweredAcknowledgements(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	c, _ := h.dial(t, siotest.Options{})
	for i := range 100 {
		c.Emit("ask", i)
		c.Expect(fmt.Sprintf(`42%d["question",%d]`, i, i))
	}
	c.Send(`430["too late"]`) // the server has forgotten that it requested this acknowledgement
	c.Send(`4399["in time"]`)
	if got := wstest.Receive(t, h.answers, "the answer"); !slices.Equal(got, []string{`"in time"`}) {
		t.Errorf("got the acknowledgement %q", got)
	}
}

func TestAttachments(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	for _, version := range []int{3, 4} {
		c, _ := h.dial(t, siotest.Options{Version: version})
		expect := func(text string, attachments ...[]byte) {
			t.Helper()
			c.Expect(text)
			for _, want := range attachments {
				if version == 3 {
					want = append([]byte{4}, want...)
				}
				if p := c.Next(); !slices.Equal(p.Bytes, want) {
					t.Errorf("got %q %x, want %x", p.Text, p.Bytes, want)
				}
			}
		}
		one, two := []byte{1, 2, 3}, []byte{}
		c.Send(`452-["message",{"_placeholder":true,"num":0},{"in":[{"_placeholder":true,"num":1}]}]`)
		c.SendBytes(one)
		c.SendBytes(two)
		expect(`452-["message-back",{"_placeholder":true,"num":0},{"in":[{"_placeholder":true,"num":1}]}]`, one, two)
		c.Send(`451-789["message-with-ack",{"_placeholder":true,"num":0}]`)
		c.SendBytes(one)
		expect(`461-789[{"_placeholder":true,"num":0}]`, one)
		c.Send(`450-["message",1]`)
		expect(`42["message-back",1]`)
		c.Send(`451-["message",{"_placeholder":true,"num":1}]`) // contains a placeholder without an attachment
		c.SendBytes(one)
		expect(`42["message-back","argument 0: no such attachment"]`)
	}
	c, _ := h.dial(t, siotest.Options{Polling: true})
	c.Send("451-[\"message\",{\"_placeholder\":true,\"num\":0}]\x1ebAQIDBA==")
	c.Expect(`451-["message-back",{"_placeholder":true,"num":0}]`)
	c.Expect("bAQIDBA==")
}

// TestAttachmentsFollowTheirPacket checks that a packet and its attachments are sent in one piece, even to a slow
// reader.
func TestAttachmentsFollowTheirPacket(t *testing.T) {
	t.Parallel()
	h := serve(t, func(cfg *protocol.Config) { cfg.Engine.BacklogBytes = 10 << 20 })
	c, id := h.dial(t, siotest.Options{Polling: true})
	c.Send("42" + `["message",1]`)
	c.Expect(`42["message-back",1]`)
	k := h.socket(t, id)
	large := protocol.Binary(make([]byte, 100<<10)) // This is more than one response carries.
	gauge := protocol.Payload("/", "gauge")
	for range 20 {
		k.Emit("large", large, large)
		k.Send(ws.LatestFrame(gauge, "gauge"))
	}
	for n := 0; n < 20; {
		p := c.Next()
		if p.Text == `42["gauge"]` {
			continue
		}
		if p.Text != `452-["large",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]` {
			t.Fatalf("got %.80q", p.Text)
		}
		for range 2 {
			if p := c.Next(); !strings.HasPrefix(p.Text, "bAAAA") {
				t.Fatalf("got %.80q, want an attachment", p.Text)
			}
		}
		n++
	}
}

// TestOnePayloadForBothProtocols checks that one frame serves clients of both protocols and transports.
func TestOnePayloadForBothProtocols(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	group := h.Engine().NewGroup()
	var clients []*siotest.Client
	for _, o := range siotest.Kinds() {
		c, id := h.dial(t, o)
		group.Add(h.socket(t, id).Session())
		clients = append(clients, c)
	}
	group.Push(ws.TextFrame(protocol.Payload("/", "comment", map[string]any{"content": "<b>你好 😀</b>"}, "17")))
	for _, c := range clients {
		c.Expect(`42["comment",{"content":"<b>你好 😀</b>"},"17"]`)
	}
	if got := string(protocol.Payload("/custom", "x")); got != `42/custom,["x"]` {
		t.Errorf("got %s", got)
	}
}

func TestInvalidPacketsEndTheSession(t *testing.T) {
	t.Parallel()
	h := serve(t, func(cfg *protocol.Config) { cfg.Engine.MaxPayload, cfg.MaxAttachments = 10_000, 4 })
	bytes := "\x00"
	for name, packets := range map[string][]string{
		"an empty packet":                    {"4"},
		"an unknown type":                    {"4abc"},
		"a type beyond the last":             {"47"},
		"an error, which servers say":        {`44"no"`},
		"an event that is no array":          {"42{}"},
		"an event without data":              {"42"},
		"an event without a name":            {"42[]"},
		"a name that is a number":            {"42[1]"},
		"a name that is null":                {"42[null]"},
		"half an array":                      {`42["message"`},
		"more than an array":                 {`42["message"]]`},
		"an id that is no number":            {`42abc["message"]`},
		"an id beyond all numbers":           {`429999999999999999999["message"]`},
		"a negative id":                      {`42-1["message"]`},
		"an answer that is no array":         {"431{}"},
		"a disconnect with data":             {`41{"a":1}`},
		"a CONNECT with an array":            {"40/custom,[]"},
		"a namespace with a long name":       {"40/" + strings.Repeat("n", 200)},
		"no number of attachments":           {`45-["message"]`},
		"a number of attachments without -":  {`451["message"]`},
		"more attachments than allowed":      {`455-["message"]`},
		"a million attachments":              {`451000000-["message"]`},
		"text in place of an attachment":     {`451-["message"]`, `42["message"]`},
		"an attachment of nothing":           {bytes},
		"an attachment too many":             {`451-["message"]`, bytes, bytes},
		"attachments that are too large":     {`452-["message"]`, bytes + strings.Repeat("x", 6000), bytes + strings.Repeat("x", 6000)},
		"depths that no answer could return": {"42[\"message\"," + strings.Repeat("[", 9000) + strings.Repeat("]", 500)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, version := range []int{3, 4} {
				c, _ := h.dial(t, siotest.Options{Version: version})
				for _, p := range packets {
					if text, isBytes := strings.CutPrefix(p, bytes); isBytes {
						c.SendBytes([]byte(text))
					} else {
						c.Send(p)
					}
				}
				c.Ended()
			}
		})
	}
}

func TestPacketsForUnconnectedNamespaces(t *testing.T) {
	t.Parallel()
	h := serve(t, nil)
	old, _ := h.dial(t, siotest.Options{Version: 3})
	for _, p := range []string{`42/custom,["message",1]`, "41/custom", `43/custom,1["x"]`, "40/custom?token=%zz", "40"} {
		old.Send(p) // The server ignores these packets.
	}
	old.Expect("40/custom,")
	newer, _ := h.dial(t, siotest.Options{Version: 4})
	newer.Send("41/custom")
	newer.Send(`42["message",1]`)
	newer.Expect(`42["message-back",1]`)
	newer.Send(`42/custom,["message",1]`)
	newer.Ended()
	twice, _ := h.dial(t, siotest.Options{Version: 4})
	twice.Send("40")
	twice.Ended()
}
