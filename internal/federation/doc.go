// Package federation makes several bootstrap servers grant names as one: a raft node
// on each, whose log carries the commands of package names.
//
//	f, err := federation.Start(federation.Config{Key: key, Addrs: host.Addrs, ...})
//	fresh, err := f.Claim(ctx, claim)    // durable on a majority when it returns
//	lost, err := f.Renew(ctx, renewals)
//	holding, held := f.Owner(key)        // what this server knows
//
// Any server takes any request and passes it on to the leader. Without a majority
// requests are refused ([ErrNoMajority]) and what is known can still be looked up.
// One server alone is a federation of one.
//
// Members are added and removed one at a time, by [Federation.AddServer] and
// [Federation.RemoveServer]. A member is a peer and an incarnation, random bytes that are
// made with the store: a server that lost its store comes back as another member,
// so that nobody votes twice.
package federation
