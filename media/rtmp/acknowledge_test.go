package rtmp_test

import (
	"bytes"
	"encoding/binary"
	"net"
	"testing"
	"time"

	"roomlog/internal/waittest"
	"roomlog/media/amf"
	"roomlog/media/rtmp"
)

// acks returns the sequence numbers of the acknowledgements that a client has received.
func (c *client) acks() (all []uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	const head = "\x02\x00\x00\x00\x00\x00\x04\x03\x00\x00\x00\x00"
	for heard := c.heard.Bytes(); ; {
		at := bytes.Index(heard, []byte(head))
		if at < 0 || len(heard) < at+len(head)+4 {
			return all
		}
		heard = heard[at+len(head):]
		all = append(all, binary.BigEndian.Uint32(heard))
	}
}

// TestAcknowledgementsGoOnAfter4GiB checks that the sequence number of acknowledgements, which has 32 bits, begins anew after 4 GiB, and that
// an acknowledgement still follows each half of the window.
func TestAcknowledgementsGoOnAfter4GiB(t *testing.T) {
	const half, before = 32 << 10, 1<<32 - 40_000
	conn, c := publishing(t, rtmp.Config{})
	c.send(message(5, binary.BigEndian.AppendUint32(nil, 2*half)))
	conn.SetReceived(before, before)
	sending := make(chan struct{})
	go func() {
		defer close(sending)
		for range 2000 {
			c.send(append(header(4, 9, 128, 0), body(128)...))
		}
	}()
	for range 2000 {
		if _, err := conn.ReadMedia(); err != nil {
			t.Fatal(err)
		}
	}
	waittest.Receive(t, sending, "the end of the client")
	want := int((conn.Bytes() - before) / (half + 256)) // an acknowledgement follows the message with which half of the window is complete
	eventually(t, "the acknowledgements", func() bool { return len(c.acks()) >= want })
	last := uint32(before)
	for i, ack := range c.acks() {
		if step := ack - last; step < half || step > half+256 { // modulo 2^32
			t.Errorf("acknowledgement %d is %d, %d after the one before; want about %d", i, ack, step, half)
		}
		last = ack
	}
	if last > 1<<31 || conn.Bytes() < 1<<32 {
		t.Errorf("the last acknowledgement is %d after %d bytes, want a number that began anew", last, conn.Bytes())
	}
}

// TestAPublisherAcknowledgesBeyond4GiB does the same for a connection on which roomlog is the client. It also checks that acknowledgements of
// the server with any number are accepted.
func TestAPublisherAcknowledgesBeyond4GiB(t *testing.T) {
	const half, before = 32 << 10, 1<<32 - 100
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ours, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	theirs, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	server := listen(theirs)
	defer server.Close()
	for id := range 6 { // the results of all commands
		server.send(map[bool][]byte{true: greeting(), false: nil}[id == 0], command("_result", id, nil, 1))
	}
	server.send(command("onStatus", 0, nil, amf.Object{"level": "status", "code": rtmp.PublishStart}))
	s, err := rtmp.Publish(ours, rtmp.Config{Now: time.Now, HandshakeTimeout: timeout, MediaTimeout: timeout, ControlTimeout: timeout}, rtmp.Publication{URL: "rtmp://h/live", App: "live", Name: "KEY"})
	if err != nil {
		t.Fatal(err)
	}
	s.Conn().SetReceived(before, before+100-half)
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	server.send(message(5, binary.BigEndian.AppendUint32(nil, 2*half)))
	for _, ack := range []uint32{1<<32 - 1, 0, 7} {
		server.send(message(3, binary.BigEndian.AppendUint32(nil, ack)))
	}
	server.send(message(4, append([]byte{0, 6}, make([]byte, 150)...))) // a ping
	eventually(t, "the acknowledgement", func() bool { return len(server.acks()) > 0 })
	if acks := server.acks(); len(acks) != 1 || acks[0] > 1000 {
		t.Errorf("acknowledged %d, want one number after the 2^32nd byte", acks)
	}
	server.Close()
	waittest.Receive(t, served, "the end of the connection")
}
