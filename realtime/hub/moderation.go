package hub

import (
	"cmp"

	"roomlog/domain"
)

// KickProblem returns the Problem for a kicked client. Its text is reason, or a default text if reason is "".
func KickProblem(reason string) *Problem {
	return withReason(domain.CodeKicked, reason, "an operator has kicked you")
}

// BanProblem returns the Problem for a client whose user is banned from a live. Its text is reason, or a default text
// if reason is "".
func BanProblem(reason string) *Problem {
	return withReason(domain.CodeBanned, reason, "you are banned from this live")
}

func withReason(code domain.Code, reason, english string) *Problem {
	p := NewProblem(code, cmp.Or(reason, english))
	p.TextZH = cmp.Or(reason, p.TextZH)
	return p
}
