// Package serve starts and stops the parts of a serving process: database, log, projections, HTTP, WebSocket and media
// servers. It is the composition root of `roomlog serve` and contains no rule.
//
// Parts are started in layers: a part is started after the parts that it uses. They are stopped in the reverse order, so
// every part that another part uses outlives it. A part that ends by itself ends the process. Every goroutine belongs to a layer.
package serve
