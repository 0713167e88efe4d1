// Package place finds places in the log that people name: the position of an event, or a time. The parameters of REST
// requests and the flags of commands have the same forms.
package place
