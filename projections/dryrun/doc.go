// Package dryrun decides the comments of a past live again, with other word lists and modes. It uses the decisions of
// package domain, and writes nothing.
package dryrun
