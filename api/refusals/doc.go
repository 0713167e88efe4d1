// Package refusals lists the codes with which the log may refuse the commands of REST endpoints. The list is generated
// from the decisions of package domain, for the OpenAPI document.
//
// It decides nothing.
package refusals
