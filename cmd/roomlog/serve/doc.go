// Package serve starts and stops the parts of a serving process: database, log, projections, HTTP, WebSocket and media
// servers. It is the composition root of `roomlog serve` and contains no rule.
//
// Parts are started in layers, each on top of those that it uses, and stopped in the reverse order: what a part uses is
// there for as long as the part runs. A part that ends by itself ends the process. Every goroutine belongs to a layer.
package serve
