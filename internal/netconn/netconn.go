package netconn

import "net"

// Below returns the connection below TLS, or conn itself if it does not use TLS.
func Below(conn net.Conn) net.Conn {
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		return secure.NetConn()
	}
	return conn
}

// CloseNow closes a connection without waiting for its client. Close of a TLS connection would first send close_notify,
// and would wait up to 5 s for a client that does not read.
func CloseNow(conn net.Conn) error { return Below(conn).Close() }
