package projections

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"roomlog/domain"
)

// ErrNotFound means that the tables know no such thing (yet).
var ErrNotFound = errors.New("not found")

// Profile is how a person is shown to others, as of now: it is joined at query time, never copied.
type Profile struct {
	ID       domain.UserID
	Username string
	Nickname string
	Avatar   string
	// CreatedAt is when the account was opened. It is known of people who are looked up by themselves, and of whose
	// doing a Delta is; else it is zero.
	CreatedAt time.Time
}

// Name is what a person is called: the nickname, else the username.
func (p Profile) Name() string {
	if p.Nickname != "" {
		return p.Nickname
	}
	return p.Username
}

// Account is what signing in needs.
type Account struct {
	Profile
	Credential uuid.UUID // of the row with the password's hash
	Disabled   bool      // locked out, or forgotten
}

// User is a person as operators see them.
type User struct {
	Profile
	Disabled  bool
	Forgotten bool
	Ban       domain.Ban // the zero one: not kept out
	Roles     []domain.Role
	Balance   domain.Coins
	CreatedAt time.Time
}

// Status returns what admission checks of u.
func (u User) Status() domain.UserStatus {
	return domain.UserStatus{Exists: u.ID != 0, Disabled: u.Disabled, Forgotten: u.Forgotten, Ban: u.Ban}
}

// Live is a room.
type Live struct {
	ID          domain.LiveID
	UserID      domain.UserID
	Owner       Profile
	OwnerStatus domain.UserStatus // whether the owner may broadcast
	Title       string
	Cover       string
	StreamKey   string // the stream key; opens nothing without a sign
	Status      domain.Status
	Online      int64 // people in the room
	LookCount   int64 // people who ever were
	Coin        int64 // what was given in it
	CreatedAt   time.Time
	UpdatedAt   time.Time           // of the newest change of the room itself
	Record      domain.RecordChoice // whether its owner wants its streams recorded
	Broadcast   Broadcast           // the stream that it has now; without an ID: none, there is no picture
}

// Gift is an entry of the shelf.
type Gift struct {
	ID        domain.GiftID
	Name      string
	Image     string
	Price     domain.Coins
	Available bool
}

// Comment is something said in a room.
type Comment struct {
	Position int64
	ID       string // as in its Delta
	Live     domain.LiveID
	User     Profile
	Text     string
	At       time.Time
}

// GiftRecord is a gift that was given. Name, Image and Price are those of the moment.
type GiftRecord struct {
	Position int64
	ID       string // as in its Delta
	Live     domain.LiveID
	Streamer domain.UserID
	Sender   Profile
	Gift     domain.GiftID
	Name     string
	Image    string
	Price    domain.Coins
	Num      int
	Coins    domain.Coins
	At       time.Time
}

// Viewer is a person who is or was in a room.
type Viewer struct {
	Profile
	Live          domain.LiveID
	Present       bool
	Node          string // the server process that holds the connection, while present
	FirstPosition int64  // of the first visit ever; the order of the list
	JoinedAt      time.Time
	LeftAt        time.Time // zero while present
	Cause         domain.LeaveCause
}

// PresentViewer is somebody who is in a room now.
type PresentViewer struct {
	Profile
	JoinedPosition int64 // position of the newest time they came
}

// ViewerKey names one person in one room.
type ViewerKey struct {
	Live domain.LiveID
	User domain.UserID
}

// CoinMovement is one entry of an account's history.
type CoinMovement struct {
	Position     int64
	Account      domain.Account
	Amount       domain.Coins
	BalanceAfter domain.Coins
	Order        domain.OrderID // of a credit, else ""
	Live         domain.LiveID  // of a gift, else 0
	Gift         domain.GiftID  // of a gift, else 0
	At           time.Time
}

// LiveSnapshot is a snapshot of a room: all of it is as of one position.
type LiveSnapshot struct {
	Position int64
	Live     Live
	Online   int64
	Comments []Comment    // the newest 50, newest first
	Gifts    []GiftRecord // the newest 50, newest first
	Viewers  []Profile    // of those present the first 100, newest first
}

// Window is a page of a history. Positions are exclusive bounds, 0 for none.
type Window struct {
	After       int64
	Before      int64
	OldestFirst bool // else newest first
	Limit       int  // 0: 50; 500 at most
}

// CommentFilter chooses comments; zero fields choose all.
type CommentFilter struct {
	Live domain.LiveID
	User domain.UserID
	Window
}

// ViewerFilter chooses visits; zero fields choose all. Its window is over FirstPosition.
type ViewerFilter struct {
	Live    domain.LiveID
	User    domain.UserID
	Present bool // only those who are there now
	Window
}

// GiftFilter chooses gifts given; zero fields choose all.
type GiftFilter struct {
	Live     domain.LiveID
	Sender   domain.UserID
	Streamer domain.UserID
	Gift     domain.GiftID
	From, To time.Time // From inclusive, To exclusive
	Window
}

// CoinFilter chooses movements of one account.
type CoinFilter struct {
	Account domain.Account
	Window
}

// Kinds of deltas. The first group is for everybody in the room of a live, the second for the program alone, the
// third group for one person, the last one is of the chat.
const (
	KindComment = "comment" // domain.CommentPosted
	KindGift    = "gift"    // domain.GiftSent
	KindJoin    = "join"    // domain.ViewerJoined
	KindLeave   = "leave"   // domain.ViewerLeft
	KindStatus  = "status"  // domain.LiveStatusChanged
	KindMedia   = "picture" // domain.LivePublishStarted or domain.LivePublishStopped

	KindMoved      = "moved" // domain.ViewerMoved
	KindModeration = "out"   // domain.ViewerDenied, or of no room domain.ConnectionKicked

	KindBalance = "balance" // domain.GiftSent or domain.CoinsCredited: BalanceAfter is the news
	KindProfile = "profile" // domain.UserProfileChanged
	KindAge     = "age"     // domain.UserAgeChanged
	KindNotice  = "notice"  // domain.UserSignedIn (every other session has ended), UserSignedOut, UserDisabled, UserEnabled, UserKicked, UserDenied, UserAllowed, UserRoleGranted, UserRoleRevoked, UserForgotten

	KindMessage            = "message"       // domain.MessagePosted: on the private lane if it was said to one person
	KindParticipantEntered = "guest_entered" // domain.GuestEntered
	KindNicknameSet        = "guest_named"   // domain.GuestNamed
	KindChatRoomJoined     = "guest_joined"  // domain.GuestJoined
	KindChatRoomLeft       = "guest_parted"  // domain.GuestParted
	KindParticipantLeft    = "guest_left"    // domain.GuestLeft
	KindChatRoomCreated    = "room_added"    // domain.RoomCreated
	KindChatRoomRemoved    = "room_removed"  // domain.RoomRemoved
)

// Delta is a fact as people see it: a pure function of one event, and the profile of whose doing it is.
type Delta struct {
	Position   int64
	Live       domain.LiveID // 0 on the private lane and in the chat
	Kind       string
	User       domain.UserID // whose doing it is
	Profile    Profile       // of User
	Event      domain.Event
	ID         string // 10 characters, from the event's id
	EventID    uuid.UUID
	RecordedAt time.Time
	Recipient  domain.UserID // != 0: for this person alone, on the private lane

	Participant domain.ParticipantID // of the chat: whose doing it is
	ChatRooms   []domain.ChatRoomID  // of the chat: where it happened
}

// Public says whether everybody in the room of a live may see d.
func (d Delta) Public() bool {
	return d.Live != 0 && d.Recipient == 0 && d.Kind != KindMoved && d.Kind != KindModeration
}

// Chat says whether d happened in the chat. Who may see it is said by its Event: those in its Rooms, for a
// message also one person or one guest alone, or everybody.
func (d Delta) Chat() bool {
	switch d.Kind {
	case KindMessage, KindParticipantEntered, KindNicknameSet, KindChatRoomJoined, KindChatRoomLeft, KindParticipantLeft, KindChatRoomCreated, KindChatRoomRemoved:
		return true
	}
	return false
}

// Gauges are the newest projected values of a room. They are coalesced and never replayed.
type Gauges struct {
	Live      domain.LiveID
	Position  int64 // the checkpoint they were read at
	Online    int64
	LookCount int64
	Coins     int64
}

// Batch is what a Feed releases at once: everything that happened after After up to Checkpoint, in
// order, and gauges that may be newer. Batches of one subscription follow each other without a gap:
// each begins where the one before ended.
type Batch struct {
	After      int64
	Checkpoint int64
	Deltas     []Delta
	Gauges     []Gauges
}
