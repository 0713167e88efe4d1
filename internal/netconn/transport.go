package netconn

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// NewTransport returns a transport for requests to servers of others, with the proxy of the environment. It uses HTTP/1.1 only: over
// HTTP/2, all requests to a server share a connection, also later ones after requests have timed out. On a connection that is dead but
// not closed, such as that of a frozen proxy, no request would succeed again. Over HTTP/1.1, a request that fails closes its connection.
func NewTransport() *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Protocols: &protocols, Proxy: http.ProxyFromEnvironment,
		DialContext:     (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConns: 100, IdleConnTimeout: 90 * time.Second,
	}
}
