package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// ChatRoom is a chat room in a response.
type ChatRoom struct {
	ID       domain.ChatRoomID `json:"_id"`
	Name     string            `json:"name"`
	CreateAt string            `json:"createAt" doc:"UTC"`
}

// ChatUser is the public part of a user in responses of the chat pages.
type ChatUser struct {
	ID       string             `json:"_id"`
	Name     string             `json:"name"`
	Avatar   string             `json:"avatar"`
	Online   bool               `json:"online" doc:"whether the user is in the chat now"`
	Room     *domain.ChatRoomID `json:"room" doc:"the chat room that the user joined last; null when in none"`
	CreateAt string             `json:"createAt" doc:"creation of the account, UTC"`
}

// populatedChatRoom is a chat room with its users, in a response.
type populatedChatRoom struct {
	ChatRoom
	Users []ChatUser `json:"users" doc:"the newest 50 users with an account"`
}

// chatRoomUsers is the maximum number of users that the list of chat rooms contains for each chat room.
const chatRoomUsers = 50

// The texts of refusals that the chat pages expect.
const (
	textNotAUser = "用户验证失败"
	textNoGuests = "未开放邮箱登录"
)

// serveChat registers an endpoint of the chat pages. The request body is a JSON object or empty.
func serveChat[I, O any](r *routes, e endpoint, handle func(context.Context, I) (O, error)) {
	e = e.forOldClients()
	e.OperationID = "chat-" + strings.ToLower(e.Method) + e.OperationID // endpoints under /api have the same names
	e.Description += " The status is always 200; code in the response has the outcome."
	describe := func(o *huma.Operation, schemas huma.Registry) {
		if o.Method == http.MethodPost {
			o.RequestBody = &huma.RequestBody{Content: jsonContent(schemas.Schema(typeOf[I](), true, ""))}
		}
	}
	serveRaw[chatEnvelope[O]](r, e, describe, writeChatRefusal, func(w http.ResponseWriter, req *http.Request) {
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
		writeJSON(w, http.StatusOK, chatEnvelope[any]{Data: out})
	})
}

// readChatBody decodes the body of a POST request into in. The body is a JSON object or empty.
func (s *server) readChatBody(w http.ResponseWriter, r *http.Request, in any) error {
	if r.Method != http.MethodPost {
		return nil
	}
	body, err := s.readBody(w, r, s.BodyBytes, s.BodyTimeout)
	if err != nil || len(body) == 0 {
		return err
	}
	return decodeBody(body, in, "the body must be a JSON object of this endpoint")
}

type chatRoomInput struct {
	Name string `json:"name" doc:"1 to 32 characters"`
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
