package ws

import "roomlog/internal/wsframe"

// The close codes that the server sends. A client needs only the range of a code to react correctly (see
// ReconnectAdvised): after 3000–3499 and 4000–4499 it reconnects, after 3500–3999 and 4500–4999 it does not.
const (
	// CloseNormal replies to a close frame with which a client ends the connection without an error.
	CloseNormal uint16 = 1000
	// CloseProtocol is for frames that no correct client sends: they are unmasked, or have reserved bits, reserved
	// opcodes or wrong lengths.
	CloseProtocol = wsframe.CloseProtocol
	// CloseUnsupported is for binary messages to a Peer that accepts only text messages.
	CloseUnsupported = wsframe.CloseUnsupported
	// CloseNoStatus is never sent. It stands for a client's close frame without a code.
	CloseNoStatus uint16 = 1005
	// CloseLost is never sent. It stands for a connection that ended without a close frame.
	CloseLost uint16 = 1006
	// CloseEncoding is for text messages that are not UTF-8, and for compressed messages that cannot be inflated.
	CloseEncoding uint16 = 1007
	// CloseTooLarge is for a message that is larger than Config.MaxMessage.
	CloseTooLarge = wsframe.CloseTooLarge
	// CloseInternal is for a panic while a message of the client was handled.
	CloseInternal uint16 = 1011
	// CloseRestart is for every client of a server that shuts down. The reason is JSON with the milliseconds after
	// which to reconnect: {"retry_after":1200}.
	CloseRestart uint16 = 1012

	// CloseSlow is for a client that reads more slowly than its frames are produced. It reconnects and resumes.
	CloseSlow uint16 = 4000
	// CloseBehind is for a client that cannot be brought up to date on this connection. It reconnects and requests a
	// snapshot.
	CloseBehind uint16 = 4001
	// CloseHelloTimeout is for a client that did not identify itself within Config.HelloTimeout. It reconnects and
	// sends its hello first.
	CloseHelloTimeout uint16 = 4008
	// CloseIdle is for a connection without any frame, not even a pong, for Config.SocketTimeout. The client
	// reconnects and resumes.
	CloseIdle uint16 = 4009
	// CloseTooMany is for a client that sends more frames per second, or whose user has more connections, than allowed.
	// The client reconnects after a pause and sends less.
	CloseTooMany = wsframe.CloseTooMany

	// CloseReplaced is for a sign-in session that has ended: the user has signed out, or has signed in on another
	// device. The client does not reconnect with its token.
	CloseReplaced uint16 = 4500
	// CloseTokenInvalid is for a token that is forged, has expired, or belongs to a disabled user. The client signs in
	// first.
	CloseTokenInvalid uint16 = 4501
	// CloseKicked is for a client that an operator kicked or whose user is banned. The client does not reconnect.
	CloseKicked uint16 = 4503
)

// ReconnectAdvised reports whether a client should reconnect after a connection that ended with code. The client
// should wait before each attempt, longer after each failure, with a random part. If ReconnectAdvised returns false,
// the user or the program must change something first.
func ReconnectAdvised(code uint16) bool {
	switch {
	case code >= 3000 && code < 5000:
		return code%1000 < 500
	case code == CloseNormal, code == CloseProtocol, code == CloseUnsupported, code == CloseEncoding, code == CloseTooLarge:
		return false // the client has closed the connection itself, or has a fault because of which it would be refused again
	}
	return true
}
