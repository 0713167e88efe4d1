package socketio_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"roomlog/domain"
	"roomlog/internal/settings"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/protocol"
)

var quoted = regexp.MustCompile("`([^`]+)`")

func TestDocumentedTexts(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/REALTIME.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "<!-- old texts -->\n")
	table, _, _ = strings.Cut(table, "<!-- end of old texts -->")
	rows := strings.Split(strings.TrimSpace(table), "\n")
	if len(rows) < 10 {
		t.Fatalf("%d rows", len(rows))
	}
	listed := map[string]bool{}
	for _, row := range rows[2:] {
		texts := quoted.FindAllStringSubmatch(row, -1)
		codes := texts[1:]
		for _, code := range codes {
			listed[code[1]] = true
		}
		if len(codes) == 0 { // the row for all other codes
			codes = [][]string{{"", "bad_request"}, {"", "text_invalid"}, {"", "number_out_of_range"}}
		}
		for _, code := range codes {
			if no, _ := hub.ProblemOf(&domain.Refusal{Code: domain.Code(code[1])}); no.TextZH != texts[0][1] {
				t.Errorf("%s has the text %q, want %q as in the docs", code[1], no.TextZH, texts[0][1])
			}
		}
	}
	_, all, _ := strings.Cut(string(page), "<!-- errors -->\n")
	all, _, _ = strings.Cut(all, "<!-- end of errors -->")
	refusals := strings.Split(strings.TrimSpace(all), "\n")
	if len(refusals) < 40 {
		t.Fatalf("%d rows of refusals", len(refusals))
	}
	for _, row := range refusals[2:] {
		code := quoted.FindStringSubmatch(row)[1]
		if no, _ := hub.ProblemOf(&domain.Refusal{Code: domain.Code(code)}); !listed[code] && no.TextZH != domain.CodeBadRequest.Chinese() {
			t.Errorf("%s has the text %q, which the table of old texts does not contain", code, no.TextZH)
		}
	}
}

func TestDocumentedLimits(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/REALTIME.md")
	if err != nil {
		t.Fatal(err)
	}
	var cfg protocol.Config
	var recovery protocol.Recovery
	settings.Defaults(&cfg)
	settings.Defaults(&recovery)
	engine := cfg.Engine
	_, section, _ := strings.Cut(string(page), "## Limits of sockets")
	for _, row := range []string{
		fmt.Sprintf("the body of a POST | %d MB (", engine.MaxPayload/1_000_000),
		fmt.Sprintf("| Queue of a client that polls | %d MiB before", engine.BacklogBytes>>20),
		fmt.Sprintf("| Attachments of one message | %d |", cfg.MaxAttachments),
		fmt.Sprintf("| Namespaces of one client | %d |", cfg.MaxNamespaces),
		fmt.Sprintf("| Polling clients | %d (", engine.MaxPolling),
		fmt.Sprintf("connects to a namespace | %.0f s |", engine.SettleTimeout.Seconds()),
		fmt.Sprintf("| Time for an upgrade | %.0f s |", engine.UpgradeTimeout.Seconds()),
		"the response to a GET | 10 s |", // of api.Config
		fmt.Sprintf("the ping interval of %.0f s and the ping timeout of %.0f s.", engine.Sockets.PingInterval.Seconds(), engine.PingTimeout.Seconds()),
		fmt.Sprintf("| %d,000, for %.0f minutes |", recovery.MaxKept/1000, recovery.Keep.Minutes()),
	} {
		if !strings.Contains(section, row) {
			t.Errorf("docs/REALTIME.md does not contain %q", row)
		}
	}
}
