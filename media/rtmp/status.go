package rtmp

// The status codes of responses. Two codes contain lower-case letters because deployed clients expect that spelling.
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
	PlayStop            = "NetStream.Play.Stop"
	PauseNotify         = "NetStream.Pause.Notify"
	UnpauseNotify       = "NetStream.Unpause.Notify"

	connectSuccess = "NetConnection.Connect.Success"
)

// The levels of a status.
const (
	levelStatus = "status"
	levelError  = "error"
)
