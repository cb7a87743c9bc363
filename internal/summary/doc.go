// Package summary is the Bloom filter in which a peer tells others what it shares.
package summary
