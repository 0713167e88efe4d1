package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"reflect"
	"strings"

	"crypto/md5" //nolint:gosec // gravatar.com names images by the MD5 of the address
	"github.com/danielgtaylor/huma/v2"

	"roomlog/api/openapi"
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// ChatRoom is a chat room in a response.
type ChatRoom struct {
	ID       domain.ChatRoomID `json:"_id" example:"66f0c1a2b3d4e5f607182930"`
	Name     string            `json:"name" example:"demo"`
	CreateAt string            `json:"createAt" example:"2026-01-31T15:04:05.000Z" doc:"UTC"`
}

// ChatUser is the public part of a user in responses of the chat pages.
type ChatUser struct {
	ID       string             `json:"_id" example:"12"`
	Name     string             `json:"name" example:"ann"`
	Avatar   string             `json:"avatar" example:"https://live.example/uploads/0c9f3a7be1d24f5f.png"`
	Online   bool               `json:"online" doc:"whether the user is in the chat now"`
	Room     *domain.ChatRoomID `json:"room" example:"66f0c1a2b3d4e5f607182930" doc:"the chat room that the user joined last; null when in none"`
	CreateAt string             `json:"createAt" example:"2026-01-31T15:04:05.000Z" doc:"creation of the account, UTC"`
}

// populatedChatRoom is a chat room with its users, in a response.
type populatedChatRoom struct {
	ChatRoom
	Users []ChatUser `json:"users" doc:"the newest 50 users with an account"`
}

// chatRoomUsers is the maximum number of users for each chat room in the list of chat rooms.
const chatRoomUsers = 50

// The Chinese texts with which endpoints of the chat pages refuse, in place of the general texts of the codes.
const (
	textNotAUser = "用户验证失败"
	textNoGuests = "未开放邮箱登录"
)

// serveChat registers an endpoint of the chat pages. The request body is a JSON object or empty.
func serveChat[I, O any](r *routes, e endpoint, handle func(context.Context, I) (O, error)) {
	e = e.forOldClients()
	e.always200 = true
	e.OperationID = "chat-" + strings.ToLower(e.Method) + e.OperationID // endpoints under /api have the same operation ids
	e.Description += " The status is always 200; code in the response has the outcome."
	describe := func(o *huma.Operation, schemas huma.Registry) {
		if typeOf[O]().Kind() == reflect.String { // a token
			o.Responses["200"].Content["application/json"].Example = chatSuccess[string]{0, exampleToken}
		}
		documentChatFailures(o.Responses["200"].Content["application/json"], schemas, r.codesOf(e, false), e.texts)
		if o.Method == http.MethodPost {
			input := &huma.Schema{Type: huma.TypeObject} // any object
			if typeOf[I]().NumField() > 0 {
				input = schemas.Schema(typeOf[I](), true, "")
			}
			o.RequestBody = &huma.RequestBody{Content: openapi.JSON(input, nil)}
		}
	}
	serveRaw[chatSuccess[O]](r, e, describe, writeChatRefusal, func(w http.ResponseWriter, req *http.Request) {
		ctx, cancel := context.WithTimeout(req.Context(), r.RequestTimeout)
		defer cancel()
		var in I
		var out O
		err := r.readChatBody(w, req, &in)
		if err == nil {
			out, err = handle(ctx, in)
		}
		if err != nil {
			writeChatRefusal(w, req, r.failure(ctx, err, nil))
			return
		}
		writeJSON(w, http.StatusOK, chatSuccess[O]{Data: out})
	})
}

// documentChatFailures adds the refusals with these codes to the documented response of an endpoint of the chat pages.
func documentChatFailures(response *huma.MediaType, schemas huma.Registry, codes []domain.Code, own texts) {
	response.Schema = &huma.Schema{OneOf: []*huma.Schema{response.Schema, schemas.Schema(typeOf[chatFailure](), true, "")}}
	response.Examples = make(map[string]*huma.Example)
	if response.Example != nil {
		response.Examples["ok"], response.Example = &huma.Example{Value: response.Example}, nil
	}
	for _, code := range codes {
		response.Examples[string(code)] = &huma.Example{Value: newChatFailure(exampleFailure(code, own))}
	}
}

// readChatBody decodes the optional JSON object in the body of a POST request into in.
func (s *server) readChatBody(w http.ResponseWriter, r *http.Request, in any) error {
	if r.Method != http.MethodPost {
		return nil
	}
	body, err := s.readObject(w, r)
	if err != nil || len(body) == 0 {
		return err
	}
	return decodeBody(body, in, "the body must be a JSON object of this endpoint")
}

type chatRoomInput struct {
	Name string `json:"name" example:"demo" doc:"1 to 32 characters"`
}

// createChatRoom creates a chat room. It requires no sign-in.
func (s *server) createChatRoom(ctx context.Context, in chatRoomInput) (ChatRoom, error) {
	command := NewChatRoom(s.Store, in.Name)
	command.MaxChatRooms = s.ChatRooms
	receipt, err := s.executeAnonymously(ctx, command)
	if err != nil {
		return ChatRoom{}, err
	}
	created, record, err := eventOf[domain.ChatRoomCreated](receipt)
	return ChatRoom{created.ChatRoom, created.Name, record.RecordedAt.UTC().Format(utcTime)}, err
}

// NewChatRoom returns the command that creates a chat room with a random id.
func NewChatRoom(store *eventstore.Store, name string) domain.CreateChatRoom {
	id := make([]byte, 12)
	rand.Read(id) // rand.Read never fails
	return domain.CreateChatRoom{Name: name, ChatRoom: domain.ChatRoomID(hex.EncodeToString(id)), NameKey: store.NameKey(name)}
}

func (s *server) listChatRooms(ctx context.Context, _ struct{}) ([]populatedChatRoom, error) {
	found, err := s.Queries.ChatRooms(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]domain.ChatRoomID, len(found))
	for i, r := range found {
		ids[i] = r.ID
	}
	users, err := s.Queries.ChatRoomUsers(ctx, ids, chatRoomUsers)
	if err != nil {
		return nil, err
	}
	rooms := make([]populatedChatRoom, len(found))
	for i, r := range found {
		rooms[i] = populatedChatRoom{ChatRoom{r.ID, r.Name, r.CreatedAt.Format(utcTime)}, []ChatUser{}}
		for _, u := range users[r.ID] {
			rooms[i].Users = append(rooms[i].Users, newChatUser(u.Profile, true, r.ID, u.CreatedAt.Format(utcTime)))
		}
	}
	return rooms, nil
}

func newChatUser(p projections.Profile, online bool, room domain.ChatRoomID, createdAt string) ChatUser {
	u := ChatUser{ID: userKey(p.ID), Name: p.Name(), Avatar: p.Avatar, Online: online, CreateAt: createdAt}
	if room != "" {
		u.Room = &room
	}
	return u
}

type emailSignIn struct {
	Email string `json:"email" example:"ann@example.org" doc:"no mail is sent"`
}

// emailLogin starts a sign-in session for an e-mail address, without a password, and returns its token. It creates the
// account if there is none. It requires the setting --guest-chat.
func (s *server) emailLogin(ctx context.Context, in emailSignIn) (string, error) {
	if !s.GuestChat {
		return "", newFailure(domain.CodeForbidden, "this server requires a password to sign in", texts{domain.CodeForbidden: textNoGuests})
	}
	key := s.Store.NameKey(in.Email)
	user, err := s.emailAccount(ctx, key, in.Email)
	if err != nil {
		return "", err
	}
	return s.startSession(ctx, user)
}

// emailAccount returns the account of an e-mail address. It creates the account if there is none.
func (s *server) emailAccount(ctx context.Context, key, email string) (domain.UserID, error) {
	account, err := s.Queries.EmailAccount(ctx, key)
	if err == nil || !isNotFound(err) {
		return account.User, err
	}
	if err := s.rates.admit(ctx, rateRegistrations); err != nil {
		return 0, err
	}
	receipt, err := s.executeAnonymously(ctx, domain.RegisterByEmail{Email: email, EmailKey: key, Avatar: gravatar(email)})
	if err != nil {
		return 0, err
	}
	if registered, _, err := eventOf[domain.UserRegistered](receipt); err == nil {
		return registered.User, nil
	}
	account, err = s.Queries.EmailAccount(ctx, key) // another request has created the account at the same time
	if isNotFound(err) {
		err = newFailure(domain.CodeBusy, "the tables are behind the log: try again in a second", nil)
	}
	return account.User, err
}

// gravatar returns the URL of the image that gravatar.com has for an e-mail address.
func gravatar(email string) string {
	sum := md5.Sum([]byte(strings.ToLower(strings.TrimSpace(email)))) //nolint:gosec // defined by gravatar.com
	return "http://www.gravatar.com/avatar/" + hex.EncodeToString(sum[:])
}

type tokenInput struct {
	Token string `json:"token" example:"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2ln"`
}

// ownChatUser is the data of a chat user in a response to that user.
type ownChatUser struct {
	ChatUser
	Email    string `json:"email" example:"ann@example.org" doc:"empty for a user who signs in with a password"`
	IssuedAt int64  `json:"iat" doc:"Unix time in seconds at which the token was issued"`
}

// validate returns the user of a token. It refuses if the token is invalid or its sign-in session is not current.
func (s *server) validate(ctx context.Context, in tokenInput) (ownChatUser, error) {
	own, err := s.chatUserOf(ctx, in.Token)
	if r := domain.AsRefusal(err); r != nil {
		return own, newFailure(r.Code, r.Text, texts{r.Code: textNotAUser})
	}
	return own, err
}

func (s *server) chatUserOf(ctx context.Context, token string) (own ownChatUser, err error) {
	claims, err := s.Tokens.Read(token)
	if err != nil {
		return own, err
	}
	user, err := s.Admission.CheckSession(ctx, sessionRef(claims))
	if err != nil {
		return own, err
	}
	room, online, err := s.Queries.ChatPresence(ctx, claims.User)
	if err != nil {
		return own, err
	}
	account, err := s.Queries.EmailOf(ctx, claims.User)
	if err != nil && !errors.Is(err, projections.ErrNotFound) {
		return own, err
	}
	own = ownChatUser{ChatUser: newChatUser(user.Profile, online, room, user.CreatedAt.UTC().Format(utcTime)), Email: account.Email}
	if !claims.IssuedAt.IsZero() {
		own.IssuedAt = claims.IssuedAt.Unix()
	}
	return own, nil
}
