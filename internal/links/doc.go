// Package links finds links in short texts of people. It has no knowledge of the product.
package links
