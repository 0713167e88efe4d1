// Command programs calls a server with the generated client: it registers a user, signs in, creates a live, lists the
// lives and the gifts, and reads a live that does not exist. It prints what it received.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"programs/client"
)

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, url string) error {
	c, err := client.NewClientWithResponses(url)
	if err != nil {
		return err
	}
	const name, password = "gopher", "secret of gopher"
	registered, err := c.RegWithResponse(ctx, client.RegJSONRequestBody{Username: name, Password: password, Repassword: password})
	if err != nil || registered.JSON200 == nil {
		return fmt.Errorf("register: %w, %s", err, registered.Body)
	}
	login, err := c.LoginWithResponse(ctx, client.LoginJSONRequestBody{Username: name, Password: password})
	if err != nil || login.JSON200 == nil {
		return fmt.Errorf("sign in: %w, %s", err, login.Body)
	}
	me, err := login.JSON200.AsSuccessSignedIn()
	if err != nil {
		return err
	}
	withToken := func(_ context.Context, r *http.Request) error { r.Header.Set("token", me.Data.Token); return nil }
	created, err := c.LiveCreateWithResponse(ctx, nil, client.LiveCreateJSONRequestBody{Title: "made by a program", Cover: ""}, withToken)
	if err != nil || created.JSON200 == nil {
		return fmt.Errorf("create a live: %w, %s", err, created.Body)
	}
	lives, err := c.LiveListPageWithResponse(ctx, 1)
	if err != nil || lives.JSON200 == nil {
		return fmt.Errorf("list lives: %w, %s", err, lives.Body)
	}
	gifts, err := c.GiftListWithResponse(ctx)
	if err != nil || gifts.JSON200 == nil {
		return fmt.Errorf("list gifts: %w, %s", err, gifts.Body)
	}
	missing, err := c.LiveReadIdWithResponse(ctx, 999)
	if err != nil || missing.JSON404 == nil {
		return fmt.Errorf("read a live that does not exist: %w, %s", err, missing.Body)
	}
	live := created.JSON200.Data.Data
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"user": me.Data.Username, "live": live.Title, "owner": live.Owner == me.Data.Id && live.UserID == me.Data.Id, "media": live.Media,
		"listed": lives.JSON200.Data[0].Title, "gift": gifts.JSON200.Data[0].Name, "code": missing.JSON404.Code,
	})
}
