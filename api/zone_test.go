package api_test

import (
	"testing"
	"time"

	"roomlog/api"
)

func TestZone(t *testing.T) {
	at := time.Date(2020, 10, 13, 9, 16, 35, 0, time.UTC)
	for name, want := range map[string]string{
		"": "2020-10-13 17:16:35", "Asia/Shanghai": "2020-10-13 17:16:35", "Europe/Berlin": "2020-10-13 11:16:35", "UTC": "2020-10-13 09:16:35",
	} {
		zone, err := api.Zone(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := at.In(zone).Format("2006-01-02 15:04:05"); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
	if _, err := api.Zone("Mars/Phobos"); err == nil {
		t.Fatal("a zone that nobody knows is accepted")
	}
}
