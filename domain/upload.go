package domain

import "slices"

// UploadCause says why an upload was deleted.
type UploadCause string

// The causes of the deletion of an upload.
const (
	UploadUnused    UploadCause = "unused"    // nothing has referred to the upload for too long
	UploadForgotten UploadCause = "forgotten" // the owner of the upload was forgotten
)

// Uploads is the state of the uploads of one user.
type Uploads struct {
	Files []UploadedFile `json:"files"` // the uploads that are not deleted, oldest first
}

// UploadedFile is one upload of a user.
type UploadedFile struct {
	Upload UploadID `json:"upload"` // name of the file
	Bytes  int64    `json:"bytes"`  // size of the file
}

// Uploads returns the state of the uploads of a user.
func (v View) Uploads(user UserID) Uploads { return look[Uploads](v, uploadStream(user)) }

// bytes returns the total size of all files.
func (u Uploads) bytes() (sum int64) {
	for _, f := range u.Files {
		sum += f.Bytes
	}
	return sum
}

func (u Uploads) index(id UploadID) int {
	return slices.IndexFunc(u.Files, func(f UploadedFile) bool { return f.Upload == id })
}

// AddUpload records a file that the server has stored for the user who issues the command.
type AddUpload struct {
	Upload UploadID `json:"-"` // random name of the file
	Bytes  int64    `json:"-"` // size of the file in bytes
	Quota  int64    `json:"-"` // maximum size in bytes of all uploads of the user, including this one
	Files  int      `json:"-"` // maximum number of uploads of the user including this one
	SHA256 string   `json:"-"` // lower-case hexadecimal SHA-256 of the file
}

func (AddUpload) Type() string { return "upload.add" }

// Fingerprint returns the SHA-256 of the file.
func (c AddUpload) Fingerprint() string { return c.SHA256 }

func (c AddUpload) serverTexts() []string { return []string{string(c.Upload)} }

func (AddUpload) Reads(actor Actor) []Stream { return []Stream{uploadStream(actor.User)} }

func (c AddUpload) decide(view View) ([]Event, error) {
	uploads := view.Uploads(view.Actor.User)
	switch {
	case c.Upload == "" || c.Bytes < 1 || uploads.index(c.Upload) >= 0: // a fault of the server
		return nil, refuse(CodeBadRequest, "an upload requires a new name and a size")
	case uploads.bytes()+c.Bytes > c.Quota || len(uploads.Files) >= c.Files:
		return nil, refuse(CodeUploadQuota, "your uploads may have at most %d bytes in %d files", c.Quota, c.Files)
	}
	return []Event{UploadAdded{c.Upload, view.Actor.User, c.Bytes}}, nil
}

// UploadAdded records that a user has uploaded an image or a sound.
type UploadAdded struct {
	Upload UploadID `json:"upload"` // name of the file
	User   UserID   `json:"user"`   // the user who owns the upload
	Bytes  int64    `json:"bytes"`  // size of the file in bytes
}

func (UploadAdded) Type() string        { return "upload.added.v1" }
func (e UploadAdded) Stream() Stream    { return uploadStream(e.User) }
func (e UploadAdded) EventUser() UserID { return e.User }
func (e UploadAdded) evolve(u Uploads) Uploads {
	return Uploads{append(slices.Clip(u.Files), UploadedFile{e.Upload, e.Bytes})}
}

// ExpireUpload deletes an upload to which nothing refers.
type ExpireUpload struct {
	Upload UploadID `json:"upload"` // name of the file
	User   UserID   `json:"user"`   // the user who owns the upload
}

func (ExpireUpload) Type() string { return "upload.expire" }

func (c ExpireUpload) Reads(Actor) []Stream { return []Stream{uploadStream(c.User)} }

func (c ExpireUpload) decide(view View) ([]Event, error) {
	if view.Uploads(c.User).index(c.Upload) < 0 {
		return nil, nil // the upload is already deleted
	}
	return []Event{UploadDeleted{c.Upload, c.User, UploadUnused}}, nil
}

// UploadDeleted records that an upload is deleted. Every node that has the file deletes it.
type UploadDeleted struct {
	Upload UploadID    `json:"upload"` // name of the file
	User   UserID      `json:"user"`   // the user who owned the upload
	Cause  UploadCause `json:"cause"`  // why the upload was deleted
}

func (UploadDeleted) Type() string        { return "upload.deleted.v1" }
func (e UploadDeleted) Stream() Stream    { return uploadStream(e.User) }
func (e UploadDeleted) EventUser() UserID { return e.User }
func (e UploadDeleted) evolve(u Uploads) Uploads {
	return Uploads{slices.DeleteFunc(slices.Clone(u.Files), func(f UploadedFile) bool { return f.Upload == e.Upload })}
}

// deleteUploads returns the events that delete all uploads of a user who is forgotten.
func (v View) deleteUploads(user UserID) (deleted []Event) {
	for _, f := range v.Uploads(user).Files {
		deleted = append(deleted, UploadDeleted{f.Upload, user, UploadForgotten})
	}
	return deleted
}
