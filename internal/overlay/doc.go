// Package overlay is the protocol of Grapevine's overlay as a pure state machine:
// no I/O, no goroutine, no lock, no clock and no randomness of its own.
//
// A driver owns one [Core] and calls it from one goroutine at a time:
//
//	effects := core.Handle(now, event) // an event goes in with the time
//	for _, e := range effects { ... }  // effects come out, to be done in order
//	wake := core.Next()                // when the next Tick is wanted
//
// What the core expects of its driver:
//
//   - Send to a peer without a link opens one first (dial, hello, signatures,
//     network name), to the effect's Target if that is set. Messages to one peer
//     arrive in order or not at all.
//   - Lost follows when that fails, or when a link fails or is closed from the
//     other side. It is never told for a link that the core itself closed, nor
//     for an old link to a peer that has a newer one.
//   - Close ends the link once what was sent is flushed, and gives up a dial that
//     is under way. Without a link there is nothing to do.
//   - Probe is answered by Probed or Unreachable, once.
//   - Match is answered by Matched, once, also where nothing was found or, with
//     Dropped, nothing was looked up.
//   - What came over a link that the core closed is not Received any more.
//   - Hello and Refusal stay in the driver. Received carries in Peers[0] the
//     sender's own contact, from its hello.
//   - Every contact that comes in was verified by its signature.
//
// A driver that has a list of online peers, from a bootstrap server, does well to
// Learn some of it now and then: that joins parts which were separate for longer
// than failed contacts are kept.
//
// Membership is HyParView (Leitão, Pereira, Rodrigues 2007): a small symmetric
// active view that queries travel over, and a larger host cache (the passive
// view) to repair it from. A query follows the summaries of who shares what, or
// travels by another [Strategy].
package overlay
