package docgen

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// The keywords that mark personal and private fields.
const (
	markPersonal = "x-personal"
	markPrivate  = "x-private"
)

type object = map[string]any

// compatible returns an error for each difference between two versions of a schema that changes their meaning for a
// reader. Texts and examples may differ, and a field that becomes private need no longer be sent.
func compatible(before, after []byte) error {
	var old, current object
	if err := errors.Join(json.Unmarshal(before, &old), json.Unmarshal(after, &current)); err != nil {
		return fmt.Errorf("decode a schema: %w", err)
	}
	return errors.Join(differences("payload", old, current)...)
}

func differences(place string, old, current object) (faults []error) {
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf(place+": "+format, args...))
	}
	for _, keyword := range union(old, current) {
		was, is := old[keyword], current[keyword]
		switch {
		case keyword == "properties":
			faults = append(faults, fieldDifferences(place, members(was), members(is))...)
		case keyword == "items":
			faults = append(faults, differences(place+"[]", members(was), members(is))...)
		case keyword == "required":
			wasRequired, isRequired := names(was), names(is)
			for _, name := range wasRequired {
				if field := members(members(current["properties"])[name]); !slices.Contains(isRequired, name) && field[markPrivate] != true {
					fault("%s is no longer always present", name)
				}
			}
			for _, name := range isRequired {
				if !slices.Contains(wasRequired, name) {
					fault("%s was not always present", name)
				}
			}
		case slices.Contains([]string{"title", "description", "examples", "$schema"}, keyword) || strings.HasPrefix(keyword, "x-"):
		case !reflect.DeepEqual(was, is):
			fault("%s was %v and is %v", keyword, was, is)
		}
	}
	return faults
}

func fieldDifferences(place string, old, current object) (faults []error) {
	for _, name := range union(old, current) {
		field := place + "." + name
		switch {
		case current[name] == nil:
			faults = append(faults, fmt.Errorf("%s was removed", field))
		case old[name] == nil:
			faults = append(faults, fmt.Errorf("%s was added", field))
		default:
			faults = append(faults, differences(field, members(old[name]), members(current[name]))...)
		}
	}
	return faults
}

// union returns the sorted keys of both objects.
func union(a, b object) []string {
	all := maps.Clone(a)
	if all == nil {
		all = object{}
	}
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

func members(value any) object {
	o, _ := value.(object)
	return o
}

func names(value any) (all []string) {
	list, _ := value.([]any)
	for _, name := range list {
		all = append(all, fmt.Sprint(name))
	}
	return all
}
