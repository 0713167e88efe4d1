// Package wstest is a WebSocket client for tests. It writes raw frames, so a test can break any rule of RFC 6455.
package wstest
