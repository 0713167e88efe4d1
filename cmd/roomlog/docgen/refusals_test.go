package docgen

import (
	"os"
	"slices"
	"strings"
	"testing"

	"roomlog/domain"
)

// TestRefusals checks the codes that are read from decisions, with and without codes of a field of their own.
func TestRefusals(t *testing.T) {
	t.Parallel()
	found, err := readRefusals(os.DirFS("../../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		command       domain.Command
		want, without []domain.Code
	}{
		{domain.SendGift{}, []domain.Code{domain.CodeCoinsTooFew, domain.CodeGiftNotFound, domain.CodeLiveEnded}, []domain.Code{domain.CodeCommentEmpty, domain.CodeTextEmpty}},
		{domain.PostComment{}, []domain.Code{domain.CodeCommentEmpty, domain.CodeCommentTooLong}, []domain.Code{domain.CodeMessageEmpty}},
		{domain.CreateLive{}, []domain.Code{domain.CodeTextEmpty, domain.CodeTextTooLong}, []domain.Code{domain.CodeCommentEmpty, domain.CodeMessageEmpty}},
	} {
		codes := found.codes(tt.command)
		for _, code := range tt.want {
			if !slices.Contains(codes, code) {
				t.Errorf("%s: %q, want %s among them", tt.command.Type(), codes, code)
			}
		}
		for _, code := range tt.without {
			if slices.Contains(codes, code) {
				t.Errorf("%s: %q, want no %s", tt.command.Type(), codes, code)
			}
		}
	}
	table, err := found.source([]byte(`{"paths":{"/x":{"post":{"x-commands":["gift.send"]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if text := string(table); !strings.Contains(text, `case "gift.send":`) || !strings.Contains(text, "domain.CodeCoinsTooFew") || strings.Contains(text, "comment.post") {
		t.Errorf("the table has not exactly the commands of the document:\n%s", text)
	}
}
