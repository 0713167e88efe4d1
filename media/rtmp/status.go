package rtmp

// The codes with which a client is answered. Their spelling, with the small letters in two of them, is
// what deployed clients know.
const (
	ConnectRejected     = "NetConnection.Connect.Rejected"
	PublishStart        = "NetStream.Publish.Start"
	PublishUnauthorized = "NetStream.publish.Unauthorized"
	PublishBadName      = "NetStream.Publish.BadName"
	PublishFailed       = "NetStream.Publish.Failed"
	UnpublishSuccess    = "NetStream.Unpublish.Success"
	PlayReset           = "NetStream.Play.Reset"
	PlayStart           = "NetStream.Play.Start"
	PlayUnauthorized    = "NetStream.play.Unauthorized"
	PlayNotFound        = "NetStream.Play.StreamNotFound"
	PlayFailed          = "NetStream.Play.Failed"
	PlayUnpublished     = "NetStream.Play.UnpublishNotify"

	connectSuccess = "NetConnection.Connect.Success"
)

// The level of an answer.
const (
	levelStatus = "status"
	levelError  = "error"
)
