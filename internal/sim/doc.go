// Package sim drives overlay cores, many thousands in one process, over virtual
// time: the same code that runs on real hosts, with the network replaced by a
// model of latency, loss, silent deaths, churn and partitions.
//
//	net, err := sim.New(sim.DefaultConfig())
//	seeds := net.Grow(3, 0)                      // three nodes that know each other
//	net.Grow(997, time.Minute, seeds...)         // join through them within a minute
//	net.Run(2 * time.Minute)
//	net.Kill(net.Some(0.5)...)                   // half of them die without a word
//	net.Run(30 * time.Second)
//	search := net.Ask(net.Live()[0], query, sim.AskOptions{})
//	net.Run(5 * time.Second)
//	fmt.Println(net.Components(), search.Reach())
//
// What nodes share is made up by [Contents], and [Network.ShareAll] tells the others
// of it. [Network.Corrupt] makes some of them hostile. A [Search] counts every message
// that was sent for it; [Network.Upkeep] counts all others. [Kademlia] is a model to
// compare with.
//
// Nothing but the seed decides what happens: two networks with the same
// configuration and the same calls have the same [Network.Trace]. A Network is
// not safe for concurrent use, and starts no goroutine.
package sim
