package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// chatted is the envelope of the pages of chat rooms: always HTTP 200, the outcome in code.
type chatted[T any] struct {
	Code   int    `json:"code" enum:"0,1" doc:"0, or 1 with an error"`
	Data   T      `json:"data,omitempty"`
	Error  string `json:"error,omitempty" doc:"for people, in Chinese"`
	TextEN string `json:"text_en,omitempty" doc:"for people, in English"`
}

// ChatRoom is a chat room as everybody may see it.
type ChatRoom struct {
	ID       domain.ChatRoomID `json:"_id"`
	Name     string            `json:"name"`
	CreateAt string            `json:"createAt" doc:"UTC"`
}

// ChatUser is a person as the pages of chat rooms know people.
type ChatUser struct {
	ID       string             `json:"_id"`
	Name     string             `json:"name"`
	Avatar   string             `json:"avatar"`
	Online   bool               `json:"online" doc:"in the chat now"`
	Room     *domain.ChatRoomID `json:"room" doc:"the room that the person came into last; null when in none"`
	CreateAt string             `json:"createAt" doc:"of the account, UTC"`
}

type peopledRoom struct {
	ChatRoom
	Users []ChatUser `json:"users" doc:"the newest 50 of those who are signed in"`
}

// peopleShown is how many people a room is listed with.
const peopleShown = 50

// The texts of the pages of chat rooms.
const (
	textNotAUser = "用户验证失败"
	textNoGuests = "未开放邮箱登录"
)

// chat is the surface of chat rooms.
func (s *server) chat() {
	chatting(s, post("/login", "Sign in to the chat by an e-mail address, if this server lets people in without a password"), s.emailLogin)
	chatting(s, post("/validate", "Who a token of the chat names"), s.validate)
	for _, path := range []string{"/createRoom", "/addRoom"} {
		chatting(s, post(path, "Make a chat room"), s.createRoom)
	}
	chatting(s, get("/getAllRooms", "Chat rooms, oldest first, with people"), s.allRooms)
	chatting(s, post("/getAllRooms", "The same"), s.allRooms)
}

// chatting serves an endpoint in the envelope of chat rooms. The body is a JSON object, or nothing.
func chatting[I, O any](s *server, o operation, handle func(context.Context, I) (O, error)) {
	s.router.Method(o.Method, o.Path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), s.RequestTimeout)
		defer cancel()
		var in I
		err := s.readInto(w, r, &in)
		var out O
		if err == nil {
			out, err = handle(ctx, in)
		}
		if err != nil {
			failure := s.failed(ctx, err, nil)
			writeJSON(w, http.StatusOK, chatted[any]{Code: 1, Error: failure.Data, TextEN: failure.TextEN})
			return
		}
		writeJSON(w, http.StatusOK, chatted[any]{Data: out})
	}))
	o.OperationID = "chat-" + strings.ToLower(o.Method) + o.OperationID // others have the same name under /api
	documented[chatted[O]](s, o, func(described *huma.Operation, schemas huma.Registry) {
		if described.Method == http.MethodPost {
			described.RequestBody = &huma.RequestBody{Content: content(schemas.Schema(typeOf[I](), true, ""))}
		}
	})
}

// readInto reads the JSON object that a POST may have.
func (s *server) readInto(w http.ResponseWriter, r *http.Request, in any) error {
	if r.Method != http.MethodPost {
		return nil
	}
	body, err := s.readBody(w, r, s.BodyBytes, s.BodyTimeout)
	if err == nil && len(body) > 0 && json.Unmarshal(body, in) != nil {
		return badRequest("the body is no JSON object of this endpoint")
	}
	return err
}

type roomNamed struct {
	Name string `json:"name" doc:"1 to 32 characters"`
}

// createRoom makes a room for anybody: who asks is not looked at.
func (s *server) createRoom(ctx context.Context, in roomNamed) (ChatRoom, error) {
	asked := askerOf(ctx)
	if err := s.limits.rooms.admit(byAddress(asked.address)); err != nil {
		return ChatRoom{}, err
	}
	c := AddRoom(s.Store, in.Name)
	c.MaxChatRooms = s.ChatRooms
	receipt, err := s.Commands.Execute(ctx, domain.Request{Command: c, Correlation: asked.id})
	if err != nil {
		return ChatRoom{}, err
	}
	s.settle(ctx, receipt)
	made, at, err := fact[domain.ChatRoomCreated](receipt)
	return ChatRoom{made.ChatRoom, made.Name, at.RecordedAt.UTC().Format(utcTime)}, err
}

// CreateChatRoom asks for a chat room under an id of its own, drawn at random.
func AddRoom(store *eventstore.Store, name string) domain.CreateChatRoom {
	id := make([]byte, 12)
	rand.Read(id) // never fails
	return domain.CreateChatRoom{Name: name, ChatRoom: domain.ChatRoomID(hex.EncodeToString(id)), NameKey: store.NameKey(name)}
}

func (s *server) allRooms(ctx context.Context, _ struct{}) ([]peopledRoom, error) {
	rooms, err := s.Queries.ChatRooms(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]domain.ChatRoomID, len(rooms))
	for i, r := range rooms {
		ids[i] = r.ID
	}
	members, err := s.Queries.ChatRoomUsers(ctx, ids, peopleShown)
	if err != nil {
		return nil, err
	}
	shown := make([]peopledRoom, len(rooms))
	for i, r := range rooms {
		shown[i] = peopledRoom{ChatRoom{r.ID, r.Name, r.CreatedAt.Format(utcTime)}, []ChatUser{}}
		for _, m := range members[r.ID] {
			shown[i].Users = append(shown[i].Users, chatUser(m.Profile, true, r.ID, m.CreatedAt.Format(utcTime)))
		}
	}
	return shown, nil
}

func chatUser(p projections.Profile, online bool, room domain.ChatRoomID, since string) ChatUser {
	u := ChatUser{ID: byUser(p.ID), Name: p.Name(), Avatar: p.Avatar, Online: online, CreateAt: since}
	if room != "" {
		u.Room = &room
	}
	return u
}
