package api

import (
	"context"
	"time"

	"roomlog/domain"
	"roomlog/projections"
	"roomlog/projections/acts"
)

type connectionsInput struct {
	ID   domain.ConnectionID `query:"id" maxLength:"64" doc:"only this connection"`
	User domain.UserID       `query:"user" minimum:"1" doc:"only connections of this user"`
	Live domain.LiveID       `query:"live" minimum:"1" doc:"only connections that have joined this live"`
}

func (s *server) listConnections(ctx context.Context, in *connectionsInput) (Connections, error) {
	return s.Connections(ctx, ConnectionFilter(*in))
}

type kickInput struct {
	Body struct {
		User       number              `json:"user,omitempty" example:"12" doc:"close every connection of this user"`
		Connection domain.ConnectionID `json:"connection,omitempty" doc:"close this connection"`
		Reason     string              `json:"reason,omitempty" example:"spam" doc:"sent to the client and recorded: at most 100 characters"`
	}
}

// kick closes the connections of a user, or one connection.
func (s *server) kick(ctx context.Context, in *kickInput) (string, error) {
	user, connection := domain.UserID(in.Body.User), in.Body.Connection
	if (user == 0) == (connection == "") {
		return "", badRequest("send either user or connection")
	}
	if user != 0 {
		_, err := s.execute(ctx, domain.KickUser{User: user, Reason: in.Body.Reason})
		return "ok", err
	}
	found, err := s.Connections(ctx, ConnectionFilter{ID: connection})
	if err == nil && found.Total == 0 && found.Replied == found.Nodes {
		err = refusal(codeNoConnection, "there is no connection %.64q", connection)
	}
	if err != nil {
		return "", err
	}
	_, err = s.execute(ctx, domain.KickConnection{Connection: connection, Reason: in.Body.Reason})
	return "ok", err
}

type userBanInput struct {
	Body struct {
		User    number `json:"user"`
		Seconds int64  `json:"seconds,omitempty" example:"3600" doc:"duration; 0: for good"`
		Reason  string `json:"reason,omitempty" example:"spam" doc:"sent to the user and recorded: at most 100 characters"`
	}
}

// banUser bans a user and ends the user's lives that are on air or paused.
func (s *server) banUser(ctx context.Context, in *userBanInput) (string, error) {
	user := domain.UserID(in.Body.User)
	err := s.Queries.EndLives(ctx, user, func(lives []domain.LiveID) error {
		receipt, err := s.execute(ctx, domain.BanUser{User: user, Seconds: in.Body.Seconds, Reason: in.Body.Reason, Lives: lives})
		if err == nil && !s.waitForTables(ctx, receipt.Position) {
			err = newFailure(domain.CodeBusy, "the user is banned, but a live that started at this moment may go on: repeat the request", nil)
		}
		ctx = withoutIdempotencyKey(ctx) // with the same key, the second command would return the result of the first
		return err
	})
	return "ok", err
}

type userUnbanInput struct {
	Body struct {
		User   number `json:"user"`
		Reason string `json:"reason,omitempty" example:"on appeal" doc:"for the record: at most 100 characters"`
	}
}

func (s *server) unbanUser(ctx context.Context, in *userUnbanInput) (string, error) {
	_, err := s.execute(ctx, domain.UnbanUser{User: domain.UserID(in.Body.User), Reason: in.Body.Reason})
	return "ok", err
}

// userAct is the body of a request of a moderator about a user in a live.
type userAct struct {
	Body struct {
		ID     number `json:"id" doc:"id of the live"`
		User   number `json:"user"`
		Reason string `json:"reason,omitempty" example:"on appeal" doc:"for the record: at most 100 characters"`
	}
}

// timedAct is the body of a request of a moderator that excludes a user for a time.
type timedAct struct {
	Body struct {
		ID      number `json:"id" doc:"id of the live"`
		User    number `json:"user"`
		Seconds int64  `json:"seconds,omitempty" example:"600" doc:"duration; 0: for good"`
		Reason  string `json:"reason,omitempty" example:"spam" doc:"sent to the user and recorded: at most 100 characters"`
	}
}

// act returns the handler of a request that executes one command.
func act[I any](s *server, command func(*I) domain.Command) func(context.Context, *I) (string, error) {
	return func(ctx context.Context, in *I) (string, error) {
		_, err := s.execute(ctx, command(in))
		return "ok", err
	}
}

func banViewer(in *timedAct) domain.Command {
	b := in.Body
	return domain.BanViewer{Live: domain.LiveID(b.ID), User: domain.UserID(b.User), Seconds: b.Seconds, Reason: b.Reason}
}

func unbanViewer(in *userAct) domain.Command {
	return domain.UnbanViewer{Live: domain.LiveID(in.Body.ID), User: domain.UserID(in.Body.User), Reason: in.Body.Reason}
}

func muteViewer(in *timedAct) domain.Command {
	b := in.Body
	return domain.MuteViewer{Live: domain.LiveID(b.ID), User: domain.UserID(b.User), Seconds: b.Seconds, Reason: b.Reason}
}

func unmuteViewer(in *userAct) domain.Command {
	return domain.UnmuteViewer{Live: domain.LiveID(in.Body.ID), User: domain.UserID(in.Body.User), Reason: in.Body.Reason}
}

func appointModerator(in *userAct) domain.Command {
	return domain.AppointModerator{Live: domain.LiveID(in.Body.ID), User: domain.UserID(in.Body.User), Reason: in.Body.Reason}
}

func removeModerator(in *userAct) domain.Command {
	return domain.RemoveModerator{Live: domain.LiveID(in.Body.ID), User: domain.UserID(in.Body.User), Reason: in.Body.Reason}
}

func clearComments(in *userAct) domain.Command {
	return domain.ClearComments{Live: domain.LiveID(in.Body.ID), User: domain.UserID(in.Body.User), Reason: in.Body.Reason}
}

type setModeInput struct {
	Body struct {
		ID      number          `json:"id" doc:"id of the live"`
		Mode    domain.ModeName `json:"mode" enum:"mute_all,slow,members,links_off,followers,stickers,review"`
		Value   int64           `json:"value" example:"30" doc:"0: off; seconds of slow from 1 to 3600; minutes of members; followers: 1 for all followers, or the minutes for which they must have followed; otherwise 1"`
		Seconds int64           `json:"seconds,omitempty" example:"600" doc:"time until the mode ends; 0: it has no end"`
		Reason  string          `json:"reason,omitempty" example:"a raid" doc:"for the record: at most 100 characters"`
	}
}

func setMode(in *setModeInput) domain.Command {
	b := in.Body
	return domain.SetMode{Live: domain.LiveID(b.ID), Mode: b.Mode, Value: b.Value, Seconds: b.Seconds, Reason: b.Reason}
}

type removeCommentInput struct {
	Body struct {
		ID      number `json:"id" doc:"id of the live"`
		Comment number `json:"comment" doc:"position of the comment"`
		Reason  string `json:"reason,omitempty" example:"spam" doc:"for the record: at most 100 characters"`
	}
}

func (s *server) removeComment(ctx context.Context, in *removeCommentInput) (string, error) {
	history := s.Store.History().Number
	c, err := s.Queries.RemoveComment(ctx, domain.LiveID(in.Body.ID), int64(in.Body.Comment), in.Body.Reason)
	if err == nil {
		_, err = s.executeFrom(ctx, history, c)
	}
	return "ok", err
}

type addWordsInput struct {
	Body struct {
		ID    number         `json:"id,omitempty" doc:"id of the live; absent: the list of the service, which applies to all lives"`
		Words []string       `json:"words" minItems:"1" maxItems:"500" example:"[\"spam\"]" doc:"1 to 500 words of 1 to 50 characters"`
		Exact bool           `json:"exact,omitempty" doc:"whether the words must stand alone"`
		Act   domain.WordAct `json:"act" enum:"refuse,mask,hold" doc:"refuse: comments with a word are refused; mask: the word is replaced by asterisks; hold: comments with a word are held for a review"`
	}
}

func addWords(in *addWordsInput) domain.Command {
	b := in.Body
	return domain.AddWords{Live: domain.LiveID(b.ID), Words: b.Words, Exact: b.Exact, Act: b.Act}
}

type removeWordsInput struct {
	Body struct {
		ID    number   `json:"id,omitempty" doc:"id of the live; absent: the list of the service"`
		Words []string `json:"words" minItems:"1" maxItems:"500" example:"[\"spam\"]" doc:"1 to 500 words, as they were added"`
	}
}

func removeWords(in *removeWordsInput) domain.Command {
	return domain.RemoveWords{Live: domain.LiveID(in.Body.ID), Words: in.Body.Words}
}

// listedWord is a word of a list, in a response.
type listedWord struct {
	Word  string         `json:"word" example:"spam"`
	Exact bool           `json:"exact"`
	Act   domain.WordAct `json:"act" enum:"refuse,mask,hold"`
}

// listWords lists the words of a live.
func (s *server) listWords(ctx context.Context, in *LivePath) ([]listedWord, error) {
	return s.words(ctx, in.ID)
}

// listServiceWords lists the words that apply to all lives.
func (s *server) listServiceWords(ctx context.Context, _ *struct{}) ([]listedWord, error) {
	return s.words(ctx, 0)
}

func (s *server) words(ctx context.Context, live domain.LiveID) ([]listedWord, error) {
	found, err := acts.Words(ctx, s.Store, live)
	list := make([]listedWord, len(found))
	for i, e := range found {
		list[i] = listedWord{e.Word, e.Exact, domain.WordRefuse}
		switch {
		case e.Mask:
			list[i].Act = domain.WordMask
		case e.Hold:
			list[i].Act = domain.WordHold
		}
	}
	return list, err
}

type actsInput struct {
	LivePath
	User domain.UserID `query:"user" minimum:"1" doc:"only acts that concern this user"`
	Window
}

// moderationAct is an act of a moderator, in a response.
type moderationAct struct {
	Position int64           `json:"position"`
	Act      string          `json:"act" example:"viewer.muted" doc:"type of the event without its version"`
	By       *PublicUser     `json:"by" doc:"who did it; null: an operator at the command line"`
	User     *PublicUser     `json:"user" doc:"the user concerned; null: everybody in the live"`
	Comment  int64           `json:"comment,omitempty" doc:"position of the comment that was removed or reported"`
	Held     int64           `json:"held,omitempty" doc:"number of the held comment that was released or dropped"`
	Report   int64           `json:"report,omitempty" doc:"number of the report that was decided"`
	Mode     domain.ModeName `json:"mode,omitempty" example:"slow" doc:"the mode that was set"`
	Value    int64           `json:"value,omitempty" doc:"value of the mode; absent: off"`

	Decision domain.ReportDecision `json:"decision,omitempty" enum:"upheld,rejected" doc:"decision about the report"`
	Until    *time.Time            `json:"until,omitempty" doc:"end of a ban, a mute or a mode; absent: it has none"`
	Reason   string                `json:"reason,omitempty" example:"spam"`
	At       time.Time             `json:"at"`
}

// listActs lists the acts of the moderators of a live. The owner and operators see all, other users those that concern
// them.
func (s *server) listActs(ctx context.Context, in *actsInput) (history[moderationAct], error) {
	live, err := s.live(ctx, in.ID)
	if err != nil {
		return history[moderationAct]{}, err
	}
	caller := requestOf(ctx).user
	if caller.ID != live.UserID && !hasRole(caller, domain.RoleOperator) {
		if in.User != 0 && in.User != caller.ID {
			return history[moderationAct]{}, refusal(domain.CodeForbidden, "only the owner of the live and operators see acts that concern others")
		}
		in.User = caller.ID
	}
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return history[moderationAct]{}, err
	}
	found, err := acts.List(ctx, s.Store, acts.Filter{Live: in.ID, User: in.User, Window: w})
	if err != nil {
		return history[moderationAct]{}, err
	}
	people, err := s.peopleOf(ctx, found)
	if err != nil {
		return history[moderationAct]{}, err
	}
	return newHistory(ctx, s, found, func(a acts.Act) (moderationAct, int64) {
		item := moderationAct{
			Position: a.Position, Act: a.Name(), By: people(userOf(a.Actor)), User: people(a.User), Comment: a.Comment,
			Held: a.Held, Report: a.Report, Mode: a.Mode, Value: a.Value, Decision: a.Decision, Until: endOf(a.Until), Reason: a.Reason, At: a.At,
		}
		return item, a.Position
	})
}

// peopleOf returns a function that returns the public data of the users in acts, or nil for 0.
func (s *server) peopleOf(ctx context.Context, found []acts.Act) (func(domain.UserID) *PublicUser, error) {
	var ids []domain.UserID
	for _, a := range found {
		ids = append(ids, a.User, userOf(a.Actor))
	}
	return s.people(ctx, ids)
}

// people returns a function that returns the public data of some users, or nil for 0.
func (s *server) people(ctx context.Context, ids []domain.UserID) (func(domain.UserID) *PublicUser, error) {
	profiles, err := s.Queries.Profiles(ctx, ids)
	return func(id domain.UserID) *PublicUser {
		if id == 0 {
			return nil
		}
		profile := profiles[id]
		profile.ID = id
		return new(newPublicUser(profile))
	}, err
}

// userOf returns the user in an actor string such as user-12, or 0 if the actor is no user.
func userOf(actor string) domain.UserID {
	by, _ := domain.ParseActor(actor)
	return by.User
}

// heldComment is a comment that waits for a review, in a response.
type heldComment struct {
	Held     int64            `json:"held" doc:"number of the held comment in the live"`
	Position int64            `json:"position"`
	User     PublicUser       `json:"user" doc:"the author"`
	Text     string           `json:"text" example:"free coins"`
	Cause    domain.HoldCause `json:"cause" enum:"word,first" doc:"word: a word of a list; first: the mode review is on, and no comment of the author was released in the live"`
	At       time.Time        `json:"at"`
}

type heldInput struct {
	LivePath
	Window
}

// listHeld lists the comments of a live that wait for a review. The owner, moderators and operators see all, other users
// their own.
func (s *server) listHeld(ctx context.Context, in *heldInput) (history[heldComment], error) {
	standing, w, err := s.standing(ctx, in.ID, in.Window)
	if err != nil {
		return history[heldComment]{}, err
	}
	f := projections.HeldFilter{Live: in.ID, Window: w}
	if !standing.Moderates() {
		f.User = requestOf(ctx).user.ID
	}
	found, err := s.Queries.HeldComments(ctx, f)
	if err != nil {
		return history[heldComment]{}, err
	}
	return newHistory(ctx, s, found, func(c projections.HeldComment) (heldComment, int64) {
		return heldComment{c.Held, c.Position, newPublicUser(c.User), c.Text, c.Cause, c.At}, c.Position
	})
}

// standing returns which comments, reports and acts of a live the caller may see, and the window of a page.
func (s *server) standing(ctx context.Context, live domain.LiveID, page Window) (projections.Standing, projections.Window, error) {
	if _, err := s.live(ctx, live); err != nil {
		return projections.Standing{}, projections.Window{}, err
	}
	standing, err := s.Queries.Standing(ctx, live, requestOf(ctx).user.ID)
	if err != nil {
		return standing, projections.Window{}, err
	}
	w, err := s.window(ctx, page)
	return standing, w, err
}

type releaseInput struct {
	Body struct {
		ID   number `json:"id" doc:"id of the live"`
		Held number `json:"held" doc:"number of the held comment"`
	}
}

func (s *server) releaseComment(ctx context.Context, in *releaseInput) (string, error) {
	history := s.Store.History().Number
	c, err := s.Queries.ReleaseComment(ctx, domain.LiveID(in.Body.ID), int64(in.Body.Held))
	if err == nil {
		_, err = s.executeFrom(ctx, history, c)
	}
	return "ok", err
}

type dropInput struct {
	Body struct {
		ID     number `json:"id" doc:"id of the live"`
		Held   number `json:"held" doc:"number of the held comment"`
		Reason string `json:"reason,omitempty" example:"advertising" doc:"sent to the author and recorded: at most 100 characters"`
	}
}

func (s *server) dropComment(ctx context.Context, in *dropInput) (string, error) {
	history := s.Store.History().Number
	c, err := s.Queries.DropComment(ctx, domain.LiveID(in.Body.ID), int64(in.Body.Held), in.Body.Reason)
	if err == nil {
		_, err = s.executeFrom(ctx, history, c)
	}
	return "ok", err
}

type warnInput struct {
	Body struct {
		ID     number `json:"id" doc:"id of the live"`
		User   number `json:"user"`
		Reason string `json:"reason" example:"no capitals, please" doc:"sent to the user and recorded: 1 to 100 characters"`
	}
}

func warnViewer(in *warnInput) domain.Command {
	return domain.WarnViewer{Live: domain.LiveID(in.Body.ID), User: domain.UserID(in.Body.User), Reason: in.Body.Reason}
}

type sendReportInput struct {
	Body struct {
		ID      number             `json:"id" doc:"id of the live"`
		User    number             `json:"user,omitempty" doc:"the user to report; absent: the author of the comment"`
		Comment number             `json:"comment,omitempty" doc:"position of the comment to report; absent: the user is reported"`
		Cause   domain.ReportCause `json:"cause" enum:"spam,insult,hate,sexual,privacy,fraud,other"`
		Text    string             `json:"text,omitempty" example:"pretends to be the streamer" doc:"what happened: at most 200 characters; required for other"`
	}
}

func (s *server) sendReport(ctx context.Context, in *sendReportInput) (string, error) {
	b, history := in.Body, s.Store.History().Number
	c, err := s.Queries.SendReport(ctx, domain.SendReport{Live: domain.LiveID(b.ID), User: domain.UserID(b.User), Comment: int64(b.Comment), Cause: b.Cause, Text: b.Text})
	if err == nil {
		_, err = s.executeFrom(ctx, history, c)
	}
	return "ok", err
}

type claimInput struct {
	Body struct {
		ID     number `json:"id" doc:"id of the live"`
		Report number `json:"report" doc:"number of the report"`
	}
}

func claimReport(in *claimInput) domain.Command {
	return domain.ClaimReport{Live: domain.LiveID(in.Body.ID), Report: int64(in.Body.Report)}
}

type decideInput struct {
	Body struct {
		ID       number                `json:"id" doc:"id of the live"`
		Report   number                `json:"report" doc:"number of the report"`
		Decision domain.ReportDecision `json:"decision" enum:"upheld,rejected"`
		Reason   string                `json:"reason,omitempty" example:"muted for a day" doc:"sent to those who reported, shown to the reported user, and recorded: at most 100 characters"`
	}
}

func (s *server) decideReport(ctx context.Context, in *decideInput) (string, error) {
	b, history := in.Body, s.Store.History().Number
	c, err := s.Queries.DecideReport(ctx, domain.DecideReport{Live: domain.LiveID(b.ID), Report: int64(b.Report), Decision: b.Decision, Reason: b.Reason})
	if err == nil {
		_, err = s.executeFrom(ctx, history, c)
	}
	return "ok", err
}

// report is a report of a comment or a user, in a response.
type report struct {
	Live         domain.LiveID         `json:"live"`
	Report       int64                 `json:"report" doc:"number of the report in the live"`
	Position     int64                 `json:"position"`
	User         PublicUser            `json:"user" doc:"the user who is reported"`
	Comment      int64                 `json:"comment,omitempty" doc:"position of the reported comment; absent: the user is reported"`
	CommentText  string                `json:"comment_text,omitempty" example:"free coins" doc:"text of the comment; absent if it was removed"`
	Claimer      *PublicUser           `json:"claimer" doc:"who has claimed the report last; null: nobody, or an operator at the command line"`
	ClaimedUntil *time.Time            `json:"claimed_until,omitempty" doc:"end of the claim"`
	Decision     domain.ReportDecision `json:"decision,omitempty" enum:"upheld,rejected,displaced" doc:"absent: nobody has decided; displaced: the report has given its place to another one, see docs/MODERATION.md"`
	Reports      []reportEntry         `json:"reports" doc:"what each user has reported, oldest first"`
	At           time.Time             `json:"at"`
}

// reportEntry is the part of a report that one user has written, in a response.
type reportEntry struct {
	By    *PublicUser        `json:"by" doc:"who reported; null unless the caller has the role operator"`
	Cause domain.ReportCause `json:"cause" enum:"spam,insult,hate,sexual,privacy,fraud,other"`
	Text  string             `json:"text,omitempty" example:"pretends to be the streamer"`
	At    time.Time          `json:"at"`
}

type reportsInput struct {
	LivePath
	Decided bool `query:"decided" doc:"reports about which somebody has decided, and displaced ones, too"`
	Window
}

// listReports lists the reports in a live. Nobody sees reports about themselves. Moderators do not see reports of
// moderators, and only operators see reports of the owner.
func (s *server) listReports(ctx context.Context, in *reportsInput) (history[report], error) {
	standing, w, err := s.standing(ctx, in.ID, in.Window)
	if err == nil && !standing.Moderates() {
		err = refusal(domain.CodeForbidden, "only the owner and moderators of the live and operators see reports")
	}
	if err != nil {
		return history[report]{}, err
	}
	return s.reports(ctx, projections.ReportFilter{Live: in.ID, Decided: in.Decided, For: standing, Window: w})
}

type allReportsInput struct {
	Decided bool `query:"decided" doc:"reports about which somebody has decided, and displaced ones, too"`
	Window
}

// listAllReports lists the reports in all lives, except those of the operator who asks.
func (s *server) listAllReports(ctx context.Context, in *allReportsInput) (history[report], error) {
	w, err := s.window(ctx, in.Window)
	if err != nil {
		return history[report]{}, err
	}
	return s.reports(ctx, projections.ReportFilter{Decided: in.Decided, For: projections.OperatorStanding(requestOf(ctx).user.ID), Window: w})
}

func (s *server) reports(ctx context.Context, f projections.ReportFilter) (history[report], error) {
	found, err := s.Queries.Reports(ctx, f)
	if err != nil {
		return history[report]{}, err
	}
	var ids []domain.UserID
	for _, r := range found {
		ids = append(ids, userOf(r.Claimer))
		for _, e := range r.Entries {
			ids = append(ids, e.User)
		}
	}
	people, err := s.people(ctx, ids)
	if err != nil {
		return history[report]{}, err
	}
	return newHistory(ctx, s, found, func(r projections.Report) (report, int64) {
		item := report{
			Live: r.Live, Report: r.Report, Position: r.Position, User: newPublicUser(r.Target), Comment: r.Comment, CommentText: r.CommentText,
			Claimer: people(userOf(r.Claimer)), ClaimedUntil: endOf(r.ClaimedUntil), Decision: r.Decision, Reports: make([]reportEntry, 0, len(r.Entries)), At: r.At,
		}
		for _, e := range r.Entries {
			entry := reportEntry{Cause: e.Cause, Text: e.Text, At: e.At.UTC()}
			if f.For.Operator {
				entry.By = people(e.User)
			}
			item.Reports = append(item.Reports, entry)
		}
		return item, r.Position
	})
}
