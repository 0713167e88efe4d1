package api

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// number is an id in a JSON body. Clients send it as a number or as a string of digits.
type number int64

// UnmarshalJSON decodes a number or a string of digits.
func (n *number) UnmarshalJSON(b []byte) error {
	digits := bytes.Trim(b, `"`)
	v, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil || len(b)-len(digits) == 1 {
		return fmt.Errorf("expected an integer or a string of digits")
	}
	*n = number(v)
	return nil
}

// Schema returns the OpenAPI schema, for huma.
func (number) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{
		{Type: huma.TypeInteger, Format: "int64"},
		{Type: huma.TypeString, Pattern: `^-?[0-9]{1,19}$`},
	}}
}
