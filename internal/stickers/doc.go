// Package stickers recognizes texts that consist of emoji and names of stickers. It has no knowledge of the product.
package stickers
