package domain_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"roomlog/domain"
)

func TestAddWords(t *testing.T) {
	add := func(live domain.LiveID, words ...string) domain.AddWords {
		return domain.AddWords{Live: live, Words: words, Act: domain.WordRefuse}
	}
	var full []domain.Event
	for i := range 20 {
		e := domain.WordsAdded{Live: 6}
		for n := range 500 {
			e.Words = append(e.Words, fmt.Sprintf("word %d", 500*i+n))
		}
		full = append(full, e)
	}
	var long []domain.Event // 33 kilobytes
	for i := range 2 {
		e := domain.WordsAdded{Live: 6}
		for n := range 330 {
			e.Words = append(e.Words, fmt.Sprintf("%050d", 330*i+n))
		}
		long = append(long, e)
	}
	given := append(liveCreated(6), appointed(otherUser))
	run(t, []spec{
		{name: "is accepted from a moderator", given: given, by: asUser(otherUser), when: add(6, " spam "), then: []domain.Event{domain.WordsAdded{Live: 6, Words: []string{"spam"}}}},
		{name: "is refused for others", given: given, when: add(6, "spam"), refused: domain.CodeLiveNotFound},
		{name: "is accepted from an operator for the service", by: asUser(operatorUser), when: add(0, "spam"), then: []domain.Event{domain.WordsAdded{Words: []string{"spam"}}}},
		{name: "is refused for others for the service", given: given, by: asUser(streamer), when: add(0, "spam"), refused: domain.CodeForbidden},
		{name: "is refused without words", given: given, by: operator, when: add(6), refused: domain.CodeNumberOutOfRange},
		{name: "is refused for a word that matches everything", given: given, by: operator, when: add(6, "!"), refused: domain.CodeTextInvalid},
		{name: "is refused for a long word", given: given, by: operator, when: add(6, strings.Repeat("ab", 26)), refused: domain.CodeTextTooLong},
		{name: "is refused for an unknown act", given: given, by: operator, when: domain.AddWords{Live: 6, Words: []string{"spam"}}, refused: domain.CodeBadRequest},
		{name: "is refused when the list is full", given: events(given, full), by: operator, when: add(6, "spam"), refused: domain.CodeNumberOutOfRange},
		{name: "is refused when the list has too many bytes", given: events(given, long), by: operator, when: add(6, "spam"), refused: domain.CodeNumberOutOfRange},
		{name: "is accepted for as many bytes in the list of the service", given: []domain.Event{domain.WordsAdded{Words: long[0].(domain.WordsAdded).Words}, domain.WordsAdded{Words: long[1].(domain.WordsAdded).Words}}, by: operator, when: add(0, "spam"), then: []domain.Event{domain.WordsAdded{Words: []string{"spam"}}}},
		{name: "records only the words that the list lacks", given: append(given, domain.WordsAdded{Live: 6, Words: []string{"spam"}}), by: operator, when: add(6, "spam", "ham", "ham"), then: []domain.Event{domain.WordsAdded{Live: 6, Words: []string{"ham"}}}},
		{name: "changes nothing when it is repeated", given: append(given, domain.WordsAdded{Live: 6, Words: []string{"spam"}}), by: operator, when: add(6, "spam")},
		{name: "changes nothing when words are removed that the list does not have", given: given, by: operator, when: domain.RemoveWords{Live: 6, Words: []string{"spam"}}},
	})
}

func TestCommentsWithWords(t *testing.T) {
	world := func(more ...domain.Event) []domain.Event {
		return events(liveOnAir(6), liveOnAir(8), []domain.Event{
			appointed(otherUser), domain.WordsAdded{Live: 6, Words: []string{"spam"}}, domain.WordsAdded{Live: 6, Words: []string{"mild"}, Mask: true},
			domain.WordsAdded{Words: []string{"hate"}}, domain.WordsAdded{Words: []string{"rude"}, Exact: true, Mask: true},
		}, more)
	}
	post := func(live domain.LiveID, text string) domain.PostComment {
		return domain.PostComment{Live: live, Text: text}
	}
	posted := func(live domain.LiveID, u domain.UserID, text string) []domain.Event {
		return []domain.Event{domain.CommentPosted{Live: live, User: u, Text: text}}
	}
	run(t, []spec{
		{name: "a word of the live is refused", given: world(), when: post(6, "S p a m!"), refused: domain.CodeWordRefused},
		{name: "a word of the live is accepted in another one", given: world(), when: post(8, "spam"), then: posted(8, viewer, "spam")},
		{name: "a word of the service is refused", given: world(), when: post(8, "HATE"), refused: domain.CodeWordRefused},
		{name: "words are masked", given: world(), when: post(6, "a mild and rude word, crude"), then: posted(6, viewer, "a **** and **** word, crude")},
		{name: "the list of the live does not apply to moderators", given: world(), by: asUser(otherUser), when: post(6, "no spam"), then: posted(6, otherUser, "no spam")},
		{name: "the list of the service applies to moderators", given: world(), by: asUser(otherUser), when: post(6, "hate"), refused: domain.CodeWordRefused},
		{name: "no list applies to operators", given: world(), by: asUser(operatorUser), when: post(6, "hate spam"), then: posted(6, operatorUser, "hate spam")},
		{name: "removed words are accepted", given: world(domain.WordsRemoved{Live: 6, Words: []string{"spam"}}), when: post(6, "spam"), then: posted(6, viewer, "spam")},
	})
}

// TestWordsInSnapshots checks that a list that was stored as a snapshot still refuses its words.
func TestWordsInSnapshots(t *testing.T) {
	w := after(t, events(testUsers(), liveOnAir(6), []domain.Event{domain.WordsAdded{Live: 6, Words: []string{"spam"}}}))
	encoded, err := json.Marshal(w["words-6"])
	if err != nil {
		t.Fatal(err)
	}
	spec, _ := domain.StateSpecOf("words-6")
	if w["words-6"], err = spec.Decode(encoded); err != nil {
		t.Fatal(err)
	}
	_, err = w.decide(t, domain.Request{Command: domain.PostComment{Live: 6, Text: "spam"}, Actor: asUser(viewer)})
	if refusal := domain.AsRefusal(err); refusal == nil || refusal.Code != domain.CodeWordRefused {
		t.Errorf("got %v, want it refused", err)
	}
}
