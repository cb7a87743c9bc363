// Package durabletest makes the faults that durable state must survive: [Wrap]
// runs a hook before every file operation and fails those that the hook wants to
// fail, and [Mem] is a file system in memory that can be cloned as a power cut at
// that moment would leave it. [Conform] is the suite that every durable.FS passes.
package durabletest
