package domain_test

import (
	"strings"
	"testing"

	"roomlog/domain"
)

func TestPostComment(t *testing.T) {
	post := func(text string) domain.PostComment { return domain.PostComment{Live: 6, Text: text} }
	posted := func(text string) []domain.Event {
		return []domain.Event{domain.CommentPosted{Live: 6, User: viewer, Text: text}}
	}
	run(t, []spec{
		{name: "is accepted when the live is on air", given: liveOnAir(6), when: post("hello"), then: posted("hello")},
		{name: "is accepted when the live is paused", given: livePaused(6), when: post("hello"), then: posted("hello")},
		{name: "does not require joining and keeps inner space", given: liveOnAir(6), when: post(" a  b "), then: posted("a  b")},
		{name: "keeps markup as typed", given: liveOnAir(6), when: post("<b>&amp;"), then: posted("<b>&amp;")},
		{name: "accepts 200 characters after trimming", given: liveOnAir(6), when: post(" " + strings.Repeat("长", 200) + " "), then: posted(strings.Repeat("长", 200))},
		{name: "accepts 200 characters of which 199 are combining marks", given: liveOnAir(6), when: post("x" + strings.Repeat("\u0301", 199)), then: posted("x" + strings.Repeat("\u0301", 199))},
		{name: "is refused with 200 combining marks after a character", given: liveOnAir(6), when: post("x" + strings.Repeat("\u0301", 200)), refused: domain.CodeCommentTooLong},
		{name: "is refused with exactly 200 combining marks, because nothing can be seen", given: liveOnAir(6), when: post(strings.Repeat("\u0301", 200)), refused: domain.CodeTextInvalid},
		{name: "is refused with 201 characters", given: liveOnAir(6), when: post(strings.Repeat("长", 201)), refused: domain.CodeCommentTooLong},
		{name: "is refused when it is empty", given: liveOnAir(6), when: post(""), refused: domain.CodeCommentEmpty},
		{name: "is refused when it is only space", given: liveOnAir(6), when: post(" \u3000\u00a0"), refused: domain.CodeCommentEmpty},
		{name: "is refused when it has a control character", given: liveOnAir(6), when: post("a\x00"), refused: domain.CodeTextInvalid},
		{name: "is refused when the live does not exist", when: post("hello"), refused: domain.CodeLiveNotFound},
		{name: "is refused before the live starts", given: liveCreated(6), when: post("hello"), refused: domain.CodeLiveNotStarted},
		{name: "is refused after the live has ended", given: liveEnded(6), when: post("hello"), refused: domain.CodeLiveEnded},
	})
}
