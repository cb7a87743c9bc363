// Package backup keeps files on other people's machines.
//
// A [Service] runs on a p2p.Node. [Service.Put] packs a file or a folder, seals it
// with the owner's [Key] and has it stored by several holders: peers whose owners
// agreed to keep blobs for others ([WithQuota]). [Service.Locate] asks the overlay for
// the holders of a blob that are alive now, [Service.List] gathers what holders have
// of the owner, and [Service.Get] restores from any of them.
//
// Holders learn the sizes of blobs, when they were made and which belong to one
// owner, and nothing else: contents, names and numbers are sealed before they leave.
// A blob's ID is the BLAKE3 hash of its sealed bytes, so that every piece of it can
// be verified by itself, whoever it comes from.
package backup
