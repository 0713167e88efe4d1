// Package words finds the words of a list in short texts of people, also if they are written differently: in another case
// or width, with letters of other scripts that look the same, with accents, with invisible characters, with repeated
// letters, or with spaces and signs between single letters.
//
// The time to check a text is linear in its length, however many words the list has. The package has no knowledge of the
// product.
package words
