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
		{name: "is said in a room on air", given: liveOnAir(6), when: post("hello"), then: posted("hello")},
		{name: "is said in a paused room", given: livePaused(6), when: post("hello"), then: posted("hello")},
		{name: "needs nobody to have joined, and keeps space within", given: liveOnAir(6), when: post(" a  b "), then: posted("a  b")},
		{name: "keeps markup as it was typed", given: liveOnAir(6), when: post("<b>&amp;"), then: posted("<b>&amp;")},
		{name: "has 200 characters at most, trimmed", given: liveOnAir(6), when: post(" " + strings.Repeat("长", 200) + " "), then: posted(strings.Repeat("长", 200))},
		{name: "is refused with 201", given: liveOnAir(6), when: post(strings.Repeat("长", 201)), refused: domain.CodeCommentTooLong},
		{name: "is refused when empty", given: liveOnAir(6), when: post(""), refused: domain.CodeCommentEmpty},
		{name: "is refused when nothing but space", given: liveOnAir(6), when: post(" \u3000\u00a0"), refused: domain.CodeCommentEmpty},
		{name: "is refused when it holds a control character", given: liveOnAir(6), when: post("a\x00"), refused: domain.CodeTextInvalid},
		{name: "is refused in a room that does not exist", when: post("hello"), refused: domain.CodeLiveNotFound},
		{name: "is refused before the room starts", given: liveCreated(6), when: post("hello"), refused: domain.CodeLiveNotStarted},
		{name: "is refused after the room has ended", given: liveEnded(6), when: post("hello"), refused: domain.CodeLiveEnded},
	})
}
