package domain_test

import (
	"testing"

	"roomlog/domain"
)

func TestDisableUser(t *testing.T) {
	run(t, []spec{
		{
			name: "disables a user",
			by:   operator,
			when: domain.DisableUser{User: viewer},
			then: []domain.Event{domain.UserDisabled{User: viewer}},
		},
		{
			name:  "changes nothing when it is repeated",
			given: []domain.Event{domain.UserDisabled{User: viewer}},
			by:    operator,
			when:  domain.DisableUser{User: viewer},
		},
		{
			name:    "is refused when the user does not exist",
			by:      operator,
			when:    domain.DisableUser{User: 99},
			refused: domain.CodeUserUnavailable,
		},
		{
			name:    "is refused when the user is forgotten",
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
			name:  "enables a user",
			given: []domain.Event{domain.UserDisabled{User: viewer}},
			by:    operator,
			when:  domain.EnableUser{User: viewer},
			then:  []domain.Event{domain.UserEnabled{User: viewer}},
		},
		{
			name: "changes nothing when the user is not disabled",
			by:   operator,
			when: domain.EnableUser{User: viewer},
		},
		{
			name:    "is refused when the user does not exist",
			by:      operator,
			when:    domain.EnableUser{User: 99},
			refused: domain.CodeUserUnavailable,
		},
		{
			name:    "is refused when the user is forgotten",
			given:   []domain.Event{domain.UserDisabled{User: viewer}, domain.UserForgotten{User: viewer}},
			by:      operator,
			when:    domain.EnableUser{User: viewer},
			refused: domain.CodeUserUnavailable,
		},
	})
}

func TestAnEnabledUserKeepsTheSession(t *testing.T) {
	run(t, []spec{{
		name:  "and can sign out of it",
		given: []domain.Event{domain.UserDisabled{User: viewer}, domain.UserEnabled{User: viewer}},
		when:  domain.SignOut{},
		then:  []domain.Event{domain.UserSignedOut{User: viewer, Session: sessionOf(viewer)}},
	}})
}

func TestGrantRole(t *testing.T) {
	for _, role := range domain.Roles {
		run(t, []spec{{
			name: "grants the role " + string(role),
			by:   operator,
			when: domain.GrantRole{User: viewer, Role: role},
			then: []domain.Event{domain.UserRoleGranted{User: viewer, Role: role}},
		}})
	}
	run(t, []spec{
		{
			name:  "grants a second role",
			given: []domain.Event{domain.UserRoleGranted{User: viewer, Role: domain.RoleAuditor}},
			by:    operator,
			when:  domain.GrantRole{User: viewer, Role: domain.RoleAnalyst},
			then:  []domain.Event{domain.UserRoleGranted{User: viewer, Role: domain.RoleAnalyst}},
		},
		{
			name:  "changes nothing when the user has the role",
			given: []domain.Event{domain.UserRoleGranted{User: viewer, Role: domain.RoleAuditor}},
			by:    operator,
			when:  domain.GrantRole{User: viewer, Role: domain.RoleAuditor},
		},
		{
			name: "is accepted from a user with the role operator",
			by:   asUser(operatorUser),
			when: domain.GrantRole{User: viewer, Role: domain.RoleAuditor},
			then: []domain.Event{domain.UserRoleGranted{User: viewer, Role: domain.RoleAuditor}},
		},
		{
			name:    "is refused when the role does not exist",
			by:      operator,
			when:    domain.GrantRole{User: viewer, Role: "owner"},
			refused: domain.CodeBadRequest,
		},
		{
			name:    "is refused when the user does not exist",
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
			name:  "revokes a role",
			given: auditor,
			by:    operator,
			when:  domain.RevokeRole{User: viewer, Role: domain.RoleAuditor},
			then:  []domain.Event{domain.UserRoleRevoked{User: viewer, Role: domain.RoleAuditor}},
		},
		{
			name:  "changes nothing when the user does not have the role",
			given: auditor,
			by:    operator,
			when:  domain.RevokeRole{User: viewer, Role: domain.RoleAnalyst},
		},
		{
			name:    "is refused when the user does not exist",
			by:      operator,
			when:    domain.RevokeRole{User: 99, Role: domain.RoleAuditor},
			refused: domain.CodeUserUnavailable,
		},
		{
			name:    "takes effect at once",
			given:   []domain.Event{domain.UserRoleRevoked{User: operatorUser, Role: domain.RoleOperator}},
			by:      asUser(operatorUser),
			when:    domain.AddGift{Name: "rose", Price: 1},
			refused: domain.CodeForbidden,
		},
	})
}

func TestRevokeRoleKeepsOtherRoles(t *testing.T) {
	w := after(t, events(testUsers(), []domain.Event{
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
			name: "erases a user",
			by:   operator,
			when: domain.ForgetUser{User: viewer},
			then: []domain.Event{domain.UserForgotten{User: viewer}},
		},
		{
			name:  "erases a disabled user",
			given: []domain.Event{domain.UserDisabled{User: viewer}},
			by:    operator,
			when:  domain.ForgetUser{User: viewer},
			then:  []domain.Event{domain.UserForgotten{User: viewer}},
		},
		{
			name:  "changes nothing when it is repeated",
			given: []domain.Event{domain.UserForgotten{User: viewer}},
			by:    operator,
			when:  domain.ForgetUser{User: viewer},
		},
		{
			name:    "is refused when the user does not exist",
			by:      operator,
			when:    domain.ForgetUser{User: 99},
			refused: domain.CodeUserUnavailable,
		},
	})
}

func TestForgetUserRevokesRoles(t *testing.T) {
	user := after(t, events(testUsers(), []domain.Event{domain.UserForgotten{User: operatorUser}}))["user-1"].(domain.User)
	if user.Active() || user.HasRole(domain.RoleOperator) {
		t.Fatalf("got %+v", user)
	}
}
