package domain_test

import (
	"testing"

	"roomlog/domain"
)

func TestAddUpload(t *testing.T) {
	add := domain.AddUpload{Upload: "b.png", Bytes: 60, Quota: 100, Files: 2}
	added := domain.UploadAdded{Upload: "b.png", User: viewer, Bytes: 60}
	had := func(bytes int64) []domain.Event {
		return []domain.Event{domain.UploadAdded{Upload: "a.png", User: viewer, Bytes: bytes}}
	}
	gone := []domain.Event{domain.UploadDeleted{Upload: "a.png", User: viewer, Cause: domain.UploadUnused}}
	run(t, []spec{
		{name: "records the owner and the size", when: add, then: []domain.Event{added}},
		{name: "is accepted up to the quota", given: had(40), when: add, then: []domain.Event{added}},
		{name: "is refused above the quota", given: had(41), when: add, refused: domain.CodeUploadQuota},
		{name: "is refused above the number of files", given: had(1), when: domain.AddUpload{Upload: "b.png", Bytes: 1, Quota: 100, Files: 1}, refused: domain.CodeUploadQuota},
		{name: "is accepted when an earlier upload was deleted", given: events(had(90), gone), when: add, then: []domain.Event{added}},
		{name: "is refused without a size", when: domain.AddUpload{Upload: "b.png", Quota: 100, Files: 2}, refused: domain.CodeBadRequest},
		{name: "is refused without a sign-in", by: anonymous, when: add, refused: domain.CodeTokenMissing},
	})
}

func TestExpireUpload(t *testing.T) {
	expire := domain.ExpireUpload{Upload: "a.png", User: viewer}
	given := []domain.Event{domain.UploadAdded{Upload: "a.png", User: viewer, Bytes: 9}, domain.UploadAdded{Upload: "b.png", User: viewer, Bytes: 9}}
	deleted := []domain.Event{domain.UploadDeleted{Upload: "a.png", User: viewer, Cause: domain.UploadUnused}}
	run(t, []spec{
		{name: "deletes the upload", given: given, by: system, when: expire, then: deleted},
		{name: "changes nothing when it is deleted already", given: events(given, deleted), by: system, when: expire},
		{name: "is refused for users", given: given, by: asUser(viewer), when: expire, refused: domain.CodeForbidden},
	})
}

func TestForgetUserDeletesUploads(t *testing.T) {
	uploads := []domain.Event{domain.UploadAdded{Upload: "a.png", User: viewer, Bytes: 9}, domain.UploadAdded{Upload: "b.png", User: viewer, Bytes: 9}}
	run(t, []spec{
		{
			name: "in the same decision", given: uploads, by: operator, when: domain.ForgetUser{User: viewer},
			then: []domain.Event{
				domain.UserForgotten{User: viewer},
				domain.UploadDeleted{Upload: "a.png", User: viewer, Cause: domain.UploadForgotten},
				domain.UploadDeleted{Upload: "b.png", User: viewer, Cause: domain.UploadForgotten},
			},
		},
	})
}
