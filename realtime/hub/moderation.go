package hub

import (
	"cmp"

	"roomlog/domain"
)

// KickProblem returns what a kicked client is shown: the reason, or a text of its own if there is none.
func KickProblem(reason string) *Problem {
	return withReason(domain.CodeKicked, reason, "an operator has kicked you")
}

// BanProblem returns what a client is shown whose user is banned from a live: the reason, or a text of its own if
// there is none.
func BanProblem(reason string) *Problem {
	return withReason(domain.CodeBanned, reason, "you are banned from this live")
}

func withReason(code domain.Code, reason, english string) *Problem {
	p := NewProblem(code, cmp.Or(reason, english))
	p.TextZH = cmp.Or(reason, p.TextZH)
	return p
}
