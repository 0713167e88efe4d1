package limit

import "context"

type addressKey struct{}

// WithAddress returns ctx with the key of the client's address, see Key. The commands of a request are counted under
// it.
func WithAddress(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, addressKey{}, key)
}

// AddressOf returns the key that WithAddress has added, or "".
func AddressOf(ctx context.Context) string {
	key, _ := ctx.Value(addressKey{}).(string)
	return key
}
