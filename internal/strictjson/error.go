package strictjson

import (
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
