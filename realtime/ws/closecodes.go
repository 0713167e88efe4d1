package ws

import (
	"encoding/binary"
	"fmt"
	"time"
	"unicode/utf8"
)

// The close codes that this door sends. A client needs only the ranges to do the right thing (see
// ReconnectAdvised): 3000–3499 and 4000–4499 mean "come back", 3500–3999 and 4500–4999 "stay away".
const (
	// CloseNormal answers a client that said goodbye.
	CloseNormal uint16 = 1000
	// CloseProtocol is for frames that no correct client sends: unmasked, reserved bits or opcodes, bad lengths.
	CloseProtocol uint16 = 1002
	// CloseUnsupported refuses binary frames: every dialect here speaks text.
	CloseUnsupported uint16 = 1003
	// CloseNoStatus is never sent: the client's close frame carried no code.
	CloseNoStatus uint16 = 1005
	// CloseLost is never sent: the connection ended without a close frame.
	CloseLost uint16 = 1006
	// CloseEncoding refuses text that is not UTF-8.
	CloseEncoding uint16 = 1007
	// CloseTooLarge refuses a message above the size limit.
	CloseTooLarge uint16 = 1009
	// CloseInternal says that the fault is ours.
	CloseInternal uint16 = 1011
	// CloseRestart says that this process stops; the reason says when to come back (see restartReason).
	CloseRestart uint16 = 1012

	// CloseSlow: the client reads more slowly than its rooms talk. Reconnect and resume.
	CloseSlow uint16 = 4000
	// CloseBehind: the client cannot be brought up to date on this connection. Reconnect and ask for a snapshot.
	CloseBehind uint16 = 4001
	// CloseHelloTimeout: no hello within the time given. Reconnect, and say hello first.
	CloseHelloTimeout uint16 = 4008
	// CloseIdle: not a single frame, not even a pong, for too long. Reconnect and resume.
	CloseIdle uint16 = 4009
	// CloseTooMany: more frames a second, or more connections of one person, than allowed. Reconnect after a
	// pause, with less.
	CloseTooMany uint16 = 4429

	// CloseReplaced: the user signed out, or signed in on another device. Do not reconnect with this token.
	CloseReplaced uint16 = 4500
	// CloseTokenInvalid: the token is forged, expired or of a disabled user. Sign in first.
	CloseTokenInvalid uint16 = 4501
	// CloseKicked: an operator put this client out, or keeps its person out. Do not reconnect.
	CloseKicked uint16 = 4503
)

// maxReason is what a close frame leaves for its reason: 125 bytes of a control frame less the code.
const maxReason = 123

// ReconnectAdvised says what a client should do after a connection ended with code: true to come back (with
// a growing, jittered pause), false to stay away until a person or a program changed something.
func ReconnectAdvised(code uint16) bool {
	switch {
	case code >= 3000 && code < 5000:
		return code%1000 < 500
	case code == CloseNormal, code == CloseProtocol, code == CloseUnsupported, code == CloseEncoding, code == CloseTooLarge:
		return false // said goodbye itself, or is broken and would be refused again
	}
	return true
}

// closeFrame encodes a close frame. The reason is cut to what fits, at the end of a rune.
func closeFrame(code uint16, reason string) *Frame {
	if len(reason) > maxReason {
		cut := maxReason
		for cut > 0 && !utf8.RuneStart(reason[cut]) {
			cut--
		}
		reason = reason[:cut]
	}
	payload := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(reason)), code)
	return newFrame(opClose, append(payload, reason...))
}

// restartReason is the reason of CloseRestart: after how many milliseconds the client should come back, so
// that the clients of a stopped process do not all arrive at once.
func restartReason(after time.Duration) string {
	return fmt.Sprintf(`{"retry_after":%d}`, after.Milliseconds())
}
