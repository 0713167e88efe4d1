// Package natstest runs NATS servers in the process of a test. Only tests may import the package.
package natstest
