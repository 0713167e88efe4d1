package dialguard_test

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"roomlog/internal/dialguard"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	guard := &dialguard.Guard{Networks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}
	for text, permitted := range map[string]bool{
		"1.1.1.1": true, "2606:4700::1111": true, "::ffff:1.1.1.1": true, "10.1.2.3": true, "::ffff:10.1.2.3": true,
		"10.2.0.1": false, "127.0.0.1": false, "::1": false, "::ffff:127.0.0.1": false, "0.0.0.0": false, "::": false,
		"169.254.169.254": false, "192.168.1.1": false, "172.16.0.1": false, "100.100.100.200": false, "224.0.0.1": false,
		"255.255.255.255": false, "fe80::1%eth0": false, "fd00:ec2::254": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false,
	} {
		err := guard.Check(netip.MustParseAddr(text))
		if permitted != (err == nil) || err != nil && !errors.Is(err, dialguard.ErrForbidden) {
			t.Errorf("%s: got %v, want permitted %v", text, err, permitted)
		}
	}
}

// TestDialer connects to names and addresses that lead to this machine.
func TestDialer(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0"} {
		if _, err := (&dialguard.Guard{}).Dialer().DialContext(t.Context(), "tcp", net.JoinHostPort(host, port)); !errors.Is(err, dialguard.ErrForbidden) {
			t.Errorf("%s: got %v, want a refusal", host, err)
		}
	}
	loopback := &dialguard.Guard{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	conn, err := loopback.Dialer().DialContext(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}
