// Package names is who holds which name: a pure state machine that the servers of
// a federation run over one log, so that no name is ever held by two.
//
// Its time is log time: a counter that the leader's stamps move. A new leader
// begins at the time that the state has reached and adds what its own monotonic
// clock measures since, so log time never runs ahead of real time, and stands still
// while nobody leads. A holding therefore never ends too early for its holder, who
// counts from before it asked ([Term]).
//
// A [State] is not safe for concurrent use.
package names
