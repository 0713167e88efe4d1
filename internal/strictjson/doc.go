// Package strictjson decodes JSON of clients and refuses objects with ambiguous members.
//
// encoding/json takes the last of several members with one name, and takes "NUM" for a field named "num". A proxy, a
// validator and the server can therefore read different values from one request. This package refuses a member whose
// name occurred before in its object, or that differs only in case from an earlier member or from a field of the target
// type. Unknown members are accepted: old clients send some. The check reads the text once and needs no memory for
// usual messages.
package strictjson
