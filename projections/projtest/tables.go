package projtest

import (
	"fmt"
	"strings"
)

// Tables returns the names of all read tables, ordered.
func Tables() []string {
	return []string{
		"broadcast", "chat_membership", "chat_room", "coin", "coin_closing", "coin_held", "coin_hold", "coin_movement", "comment", "correction", "email", "follow", "follower_count", "gift", "gift_record", "held_comment", "invitation", "live", "live_access", "live_coin",
		"live_mode", "live_online", "look_count", "message", "message_chat_room", "moderation_act", "moderator", "participant", "payout", "poison", "projection", "publish_key", "recording", "report", "report_entry", "restream", "session", "share_rule", "ticket", "upload", "user_account",
		"viewer", "viewer_ban", "viewer_pass", "webhook",
	}
}

// Dump returns all rows of all read tables in a schema, one row in a line.
func (w *World) Dump(schema string) string {
	w.Helper()
	var b strings.Builder
	for _, table := range Tables() {
		rows, err := w.DB.Owner.Query(w.Context(), fmt.Sprintf("SELECT to_jsonb(t)::text FROM %s.%s t ORDER BY 1", schema, table))
		if err != nil {
			w.Fatal(err)
		}
		for rows.Next() {
			var row string
			if err := rows.Scan(&row); err != nil {
				w.Fatal(err)
			}
			fmt.Fprintf(&b, "%s %s\n", table, row)
		}
		if err := rows.Err(); err != nil {
			w.Fatal(err)
		}
	}
	return b.String()
}

// Empty removes all rows of the tables and sets the checkpoint to 0.
func (w *World) Empty() {
	w.Helper()
	for _, table := range Tables() {
		w.Exec("TRUNCATE read." + table)
	}
	w.Exec("INSERT INTO public.checkpoint (consumer_group) VALUES ('projections') ON CONFLICT (consumer_group) DO UPDATE SET position = 0, event_id = NULL")
}
