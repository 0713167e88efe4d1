package domain_test

import (
	"testing"

	"roomlog/domain"
)

func TestDisableUser(t *testing.T) {
	run(t, []spec{
		{
			name: "locks somebody out",
			by:   operator,
			when: domain.DisableUser{User: viewer},
			then: []domain.Event{domain.UserDisabled{User: viewer}},
		},
		{
			name:  "changes nothing the second time",
			given: []domain.Event{domain.UserDisabled{User: viewer}},
			by:    operator,
			when:  domain.DisableUser{User: viewer},
		},
		{
			name:    "is refused for somebody who does not exist",
			by:      operator,
			when:    domain.DisableUser{User: 99},
			refused: domain.CodeUserUnavailable,
		},
		{
			name:    "is refused for somebody forgotten",
			given:   []domain.Event{domain.UserForgotten{User: viewer}},
			by:      operator,
			when:    domain.DisableUser{User: viewer},
			refused: domain.CodeUserUnavailable,
		},
	})
}

func TestEnableUser(t *testing.T) {
	run(t, []spec{
		{
			name:  "lets somebody in again",
			given: []domain.Event{domain.UserDisabled{User: viewer}},
			by:    operator,
			when:  domain.EnableUser{User: viewer},
			then:  []domain.Event{domain.UserEnabled{User: viewer}},
		},
		{
			name: "changes nothing for somebody who may come in",
			by:   operator,
			when: domain.EnableUser{User: viewer},
		},
		{
			name:    "is refused for somebody who does not exist",
			by:      operator,
			when:    domain.EnableUser{User: 99},
			refused: domain.CodeUserUnavailable,
		},
		{
			name:    "is refused for somebody forgotten, who never comes back",
			given:   []domain.Event{domain.UserDisabled{User: viewer}, domain.UserForgotten{User: viewer}},
			by:      operator,
			when:    domain.EnableUser{User: viewer},
			refused: domain.CodeUserUnavailable,
		},
	})
}

func TestAnEnabledUserGoesOnWithTheSameSession(t *testing.T) {
	run(t, []spec{{
		name:  "and signs out of it",
		given: []domain.Event{domain.UserDisabled{User: viewer}, domain.UserEnabled{User: viewer}},
		when:  domain.SignOut{},
		then:  []domain.Event{domain.UserSignedOut{User: viewer, Session: session(viewer)}},
	}})
}

func TestGrantRole(t *testing.T) {
	for _, role := range domain.Roles {
		run(t, []spec{{
			name: "gives the right of the " + string(role),
			by:   operator,
			when: domain.GrantRole{User: viewer, Role: role},
			then: []domain.Event{domain.UserRoleGranted{User: viewer, Role: role}},
		}})
	}
	run(t, []spec{
		{
			name:  "gives a second right beside the first",
			given: []domain.Event{domain.UserRoleGranted{User: viewer, Role: domain.RoleAuditor}},
			by:    operator,
			when:  domain.GrantRole{User: viewer, Role: domain.RoleAnalyst},
			then:  []domain.Event{domain.UserRoleGranted{User: viewer, Role: domain.RoleAnalyst}},
		},
		{
			name:  "changes nothing for somebody who has the right",
			given: []domain.Event{domain.UserRoleGranted{User: viewer, Role: domain.RoleAuditor}},
			by:    operator,
			when:  domain.GrantRole{User: viewer, Role: domain.RoleAuditor},
		},
		{
			name: "works for an operator who is a person",
			by:   signedIn(boss),
			when: domain.GrantRole{User: viewer, Role: domain.RoleAuditor},
			then: []domain.Event{domain.UserRoleGranted{User: viewer, Role: domain.RoleAuditor}},
		},
		{
			name:    "is refused for a right that does not exist",
			by:      operator,
			when:    domain.GrantRole{User: viewer, Role: "owner"},
			refused: domain.CodeBadRequest,
		},
		{
			name:    "is refused for somebody who does not exist",
			by:      operator,
			when:    domain.GrantRole{User: 99, Role: domain.RoleAuditor},
			refused: domain.CodeUserUnavailable,
		},
	})
}

func TestRevokeRole(t *testing.T) {
	auditor := []domain.Event{domain.UserRoleGranted{User: viewer, Role: domain.RoleAuditor}}
	run(t, []spec{
		{
			name:  "takes a right away",
			given: auditor,
			by:    operator,
			when:  domain.RevokeRole{User: viewer, Role: domain.RoleAuditor},
			then:  []domain.Event{domain.UserRoleRevoked{User: viewer, Role: domain.RoleAuditor}},
		},
		{
			name:  "changes nothing for somebody who does not have the right",
			given: auditor,
			by:    operator,
			when:  domain.RevokeRole{User: viewer, Role: domain.RoleAnalyst},
		},
		{
			name:    "is refused for somebody who does not exist",
			by:      operator,
			when:    domain.RevokeRole{User: 99, Role: domain.RoleAuditor},
			refused: domain.CodeUserUnavailable,
		},
		{
			name:    "ends at once what the right allowed",
			given:   []domain.Event{domain.UserRoleRevoked{User: boss, Role: domain.RoleOperator}},
			by:      signedIn(boss),
			when:    domain.AddGift{Name: "rose", Price: 1},
			refused: domain.CodeForbidden,
		},
	})
}

func TestRevokingARoleLeavesTheOthers(t *testing.T) {
	w := after(t, events(people(), []domain.Event{
		domain.UserRoleGranted{User: viewer, Role: domain.RoleAuditor},
		domain.UserRoleGranted{User: viewer, Role: domain.RoleAnalyst},
		domain.UserRoleRevoked{User: viewer, Role: domain.RoleAuditor},
	}))
	user := w["user-12"].(domain.User)
	if user.HasRole(domain.RoleAuditor) || !user.HasRole(domain.RoleAnalyst) {
		t.Fatalf("got %+v", user)
	}
}

func TestForgetUser(t *testing.T) {
	run(t, []spec{
		{
			name: "erases somebody",
			by:   operator,
			when: domain.ForgetUser{User: viewer},
			then: []domain.Event{domain.UserForgotten{User: viewer}},
		},
		{
			name:  "erases somebody who is locked out",
			given: []domain.Event{domain.UserDisabled{User: viewer}},
			by:    operator,
			when:  domain.ForgetUser{User: viewer},
			then:  []domain.Event{domain.UserForgotten{User: viewer}},
		},
		{
			name:  "changes nothing the second time",
			given: []domain.Event{domain.UserForgotten{User: viewer}},
			by:    operator,
			when:  domain.ForgetUser{User: viewer},
		},
		{
			name:    "is refused for somebody who does not exist",
			by:      operator,
			when:    domain.ForgetUser{User: 99},
			refused: domain.CodeUserUnavailable,
		},
	})
}

func TestAForgottenUserHasNoRights(t *testing.T) {
	user := after(t, events(people(), []domain.Event{domain.UserForgotten{User: boss}}))["user-1"].(domain.User)
	if user.Active() || user.HasRole(domain.RoleOperator) {
		t.Fatalf("got %+v", user)
	}
}
