// Package contentcoding chooses the compression of an HTTP response.
package contentcoding
