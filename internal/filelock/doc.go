// Package filelock contains locks on files that exclude other processes. The kernel releases a lock when its process
// ends for any reason.
package filelock
