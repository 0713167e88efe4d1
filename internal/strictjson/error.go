package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
)

// MemberError is the error for an ambiguous member of an object.
type MemberError struct {
	Name string // name of the member
	Like string // the earlier member, or the field of the target; equal to Name if the member occurs twice
}

// Error returns a message for people that contains the name of the member.
func (e *MemberError) Error() string {
	if e.Name == e.Like {
		return fmt.Sprintf("the member %.64q occurs twice", e.Name)
	}
	return fmt.Sprintf("the member %.64q differs only in case from %.64q", e.Name, e.Like)
}

// AsMemberError returns the MemberError in err, or nil if there is none.
func AsMemberError(err error) *MemberError {
	var member *MemberError
	if errors.As(err, &member) {
		return member
	}
	return nil
}

// TypeProblem describes for people which value of a JSON document does not fit into the target: its type is wrong, or it is
// a number that is out of range. It returns "" if err is not such an error.
func TypeProblem(err error) string {
	var wrong *json.UnmarshalTypeError
	switch {
	case !errors.As(err, &wrong):
		return ""
	case wrong.Field == "":
		return "a value cannot be " + withArticle(wrong.Value)
	}
	return fmt.Sprintf("%s cannot be %s", wrong.Field, withArticle(wrong.Value))
}

// withArticle returns "a string" for "string", and "a number 1.5" for "number 1.5".
func withArticle(kind string) string {
	switch kind[0] {
	case 'a', 'o':
		return "an " + kind
	}
	return "a " + kind
}
