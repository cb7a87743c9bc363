// Package pb holds Grapevine's normative message definitions and the Go code
// generated from them. Only wire and the packages that speak a protocol use it.
package pb

//go:generate go tool -modfile=../../tools/go.mod buf generate
