// Package serve starts and stops the parts of a serving process: database, log, projections, HTTP, WebSocket and media
// servers. It connects these parts, and contains no rule of the domain.
//
// Parts are started in layers: a part is started after the parts that it uses. They are stopped in the reverse order,
// so a part stops before the parts that it uses. If a part ends by itself, the process ends. Every goroutine belongs to
// a layer.
package serve
