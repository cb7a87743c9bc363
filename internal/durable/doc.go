// Package durable writes files that survive an error, a full disk and a power
// cut. Everything in Grapevine that is acknowledged goes through its [FS], so that
// tests can inject each of these faults (package durabletest).
//
// Small state is replaced whole with [WriteFile]; content too big for memory is
// written to a [Pending] file and committed; histories and tables are kept in a
// [Log], where an append is durable when it returns.
package durable
