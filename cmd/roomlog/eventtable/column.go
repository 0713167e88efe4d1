package eventtable

// Kind is the type of a column.
type Kind int

// The kinds of columns.
const (
	Integer Kind = iota + 1
	Text
	Boolean
	Time
	Nested // a list or a struct; JSON in formats without nested columns
	JSON   // a JSON value whose type depends on the row
)

// Column is a column of the table of an event type.
type Column struct {
	Name     string
	Field    string // JSON name of the field of the payload; "" for a column of the envelope
	Kind     Kind
	Optional bool // whether rows may have no value
}
